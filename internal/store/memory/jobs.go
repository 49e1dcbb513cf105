package memory

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// job is one job with the versions that are kept, oldest first.
type job struct {
	versions  []domain.Version
	deleted   bool
	deletedAt int64

	imported              bool
	importAt, importNonce int64 // the entry of the import that has made it
}

// jobKey is the key of a job, in its namespace.
type jobKey struct{ namespace, key string }

func keyOf(v *domain.Version) jobKey { return jobKey{v.Spec.Namespace, v.Spec.Key} }

func (j *job) current() *domain.Version { return &j.versions[len(j.versions)-1] }

// madeBy returns an import's entry as one of a job that it has made, and whether it has made it.
func (j *job) madeBy(e domain.Change) (domain.Change, bool) {
	if j == nil || !j.imported || j.importAt != e.At || j.importNonce != e.Nonce {
		return e, false
	}
	e.JobID, e.Version = j.current().JobID, 1
	return e, true
}

// holds reports whether a version is stored with the same content, whatever
// has closed it since.
func (j *job) holds(v domain.Version) bool {
	return slices.ContainsFunc(j.versions, func(x domain.Version) bool {
		x.EffectiveTo = v.EffectiveTo
		return x.Number == v.Number && reflect.DeepEqual(x, v)
	})
}

func copyVersion(v domain.Version) domain.Version {
	v.Spec.Tags = slices.Clone(v.Spec.Tags)
	v.Spec.Headers = maps.Clone(v.Spec.Headers)
	v.Spec.Body = slices.Clone(v.Spec.Body)
	return v
}

// ids returns the ids of all jobs, deleted ones too, in order.
func (d *Disk) ids() []domain.JobID {
	return slices.SortedFunc(maps.Keys(d.jobs), func(a, b domain.JobID) int { return slices.Compare(a[:], b[:]) })
}

// Create implements store.Jobs.
func (j jobs) Create(ctx context.Context, versions []domain.Version) error {
	return j.do(ctx, func(d *Disk) error { return d.create(ctx, versions) })
}

func (d *Disk) create(ctx context.Context, versions []domain.Version) error {
	if len(versions) == 0 {
		return nil
	}
	fresh := make(map[domain.JobID]*job, len(versions))
	keys, taken := make(map[jobKey]domain.JobID), make(map[int]domain.JobID)
	for i, v := range versions {
		if v.Number != 1 || v.EffectiveTo != domain.Forever {
			return fmt.Errorf("create job %s: want an open version 1, not number %d", v.JobID, v.Number)
		}
		known := d.jobs[v.JobID]
		if known == nil {
			known = fresh[v.JobID]
		}
		switch {
		case known == nil:
			made := &job{versions: []domain.Version{copyVersion(v)}}
			made.importAt, made.importNonce, made.imported = store.ImportOf(ctx)
			fresh[v.JobID] = made
			if holder := d.takes(keys, &v); holder != v.JobID {
				taken[i] = holder
			}
		case !known.holds(v):
			return domain.Conflict("job %s exists already", v.JobID)
		}
	}
	if len(taken) > 0 {
		return store.Taken(taken)
	}
	if len(fresh) > 0 {
		if err := d.owners.checkFences(ctx); err != nil {
			return err
		}
	}
	if r, ok := store.CreationRecord(ctx, &versions[0]); ok {
		if err := d.keepRecord(&r); err != nil {
			return err
		}
	}
	maps.Copy(d.jobs, fresh)
	maps.Copy(d.byKey, keys)
	if len(fresh) == 0 {
		return nil // a repeat
	}
	if e, ok := store.CreationEntry(ctx, &versions[0], int64(len(fresh))); ok {
		d.enter(e)
	}
	return nil
}

// takes notes the key of a new job among those of the call, and returns who has it: the job
// itself, unless it is another's.
func (d *Disk) takes(keys map[jobKey]domain.JobID, v *domain.Version) domain.JobID {
	if v.Spec.Key == "" {
		return v.JobID
	}
	key := keyOf(v)
	for _, known := range []map[jobKey]domain.JobID{d.byKey, keys} {
		if holder, has := known[key]; has {
			return holder
		}
	}
	keys[key] = v.JobID
	return v.JobID
}

// Update implements store.Jobs.
func (j jobs) Update(ctx context.Context, next domain.Version) error {
	return j.do(ctx, func(d *Disk) error { return d.update(ctx, next) })
}

func (d *Disk) update(ctx context.Context, next domain.Version) error {
	is := d.jobs[next.JobID]
	switch {
	case next.Number < 2 || next.EffectiveTo != domain.Forever:
		return fmt.Errorf("update job %s: want an open version after the first, not number %d",
			next.JobID, next.Number)
	case is == nil || is.deleted:
		return domain.NotFound("job", next.JobID)
	case is.current().Number != next.Number-1 && is.holds(next):
		return nil // a repeat
	case is.current().Number != next.Number-1:
		return wrongVersion(next.JobID, is.current().Number, next.Number-1)
	case next.EffectiveFrom < is.current().EffectiveFrom:
		return fmt.Errorf("update job %s: version %d would begin before the one it follows",
			next.JobID, next.Number)
	}
	if err := d.owners.checkFences(ctx); err != nil {
		return err
	}
	if holder, has := d.byKey[keyOf(&next)]; has && holder != next.JobID {
		return store.Taken(map[int]domain.JobID{0: holder})
	}
	delete(d.byKey, keyOf(is.current()))
	if next.Spec.Key != "" {
		d.byKey[keyOf(&next)] = next.JobID
	}
	is.current().EffectiveTo = next.EffectiveFrom
	is.versions = append(is.versions, copyVersion(next))
	d.enterJob(ctx, domain.ActionUpdate, next.JobID, next.Number)
	return nil
}

func wrongVersion(id domain.JobID, is, want int) error {
	return domain.Conflict("job %s has been changed: its version is %d, not %d", id, is, want)
}

// Delete implements store.Jobs.
func (j jobs) Delete(ctx context.Context, id domain.JobID, number int, at int64) error {
	return j.do(ctx, func(d *Disk) error { return d.remove(ctx, id, number, at) })
}

func (d *Disk) remove(ctx context.Context, id domain.JobID, number int, at int64) error {
	is := d.jobs[id]
	switch {
	case is != nil && is.deleted && is.current().Number == number && is.deletedAt == at:
		return nil // a repeat
	case is == nil || is.deleted:
		return domain.NotFound("job", id)
	case is.current().Number != number:
		return wrongVersion(id, is.current().Number, number)
	case at < is.current().EffectiveFrom:
		return fmt.Errorf("delete job %s: version %d begins after that", id, number)
	}
	if err := d.owners.checkFences(ctx); err != nil {
		return err
	}
	delete(d.byKey, keyOf(is.current()))
	is.current().EffectiveTo = at
	is.deleted, is.deletedAt = true, at
	d.enterJob(ctx, domain.ActionDelete, id, number)
	return nil
}

// Get implements store.Jobs.
func (j jobs) Get(ctx context.Context, id domain.JobID) (found domain.Job, err error) {
	err = j.do(ctx, func(d *Disk) error {
		is := d.jobs[id]
		if is == nil || is.deleted {
			return domain.NotFound("job", id)
		}
		found = domain.JobOf(copyVersion(*is.current()))
		return nil
	})
	return found, err
}

// cutBody leaves a body of more bytes than the bound out; zero: no bound.
func cutBody(v domain.Version, bound int) domain.Version {
	if n := len(v.Spec.Body); bound > 0 && n > bound {
		v.Spec.Body, v.BodyCut = nil, n
	}
	return v
}

// List implements store.Jobs.
func (j jobs) List(ctx context.Context, q store.JobQuery) (page store.JobPage, err error) {
	err = j.do(ctx, func(d *Disk) error {
		page = d.list(&q)
		return nil
	})
	return page, err
}

// idsOf returns the ids of the jobs that a query may select, in order.
func (d *Disk) idsOf(q *store.JobQuery) []domain.JobID {
	if q.Key == "" || q.Namespace == "" {
		return d.ids()
	}
	if id, has := d.byKey[jobKey{q.Namespace, q.Key}]; has {
		return []domain.JobID{id}
	}
	return nil
}

// placesOf returns the places of the jobs that a query may select, in its order.
func placesOf(d *Disk, q *store.JobQuery) []store.JobPlace {
	var places []store.JobPlace
	for _, id := range d.idsOf(q) {
		places = append(places, q.PlaceOf(d.jobs[id].current()))
	}
	slices.SortFunc(places, q.Compare)
	return places
}

func (d *Disk) list(q *store.JobQuery) store.JobPage {
	page := q.Collect()
	examined, last := 0, q.Start()
	for _, at := range placesOf(d, q) {
		if !q.Passes(at) {
			continue
		}
		if q.MaxWork > 0 && examined >= q.MaxWork {
			return page.EndAfter(last)
		}
		examined, last = examined+1, at
		id := at.ID
		is := d.jobs[id]
		if is.deleted || !q.Selects(is.current()) || q.Failing != nil && *q.Failing != (d.failing[id] != nil) ||
			!q.Accepts(id) {
			continue
		}
		switch {
		case page.Full():
			return page.EndBefore()
		case q.CountOnly:
			page.Tally()
		default:
			page.Add(domain.JobOf(copyVersion(cutBody(*is.current(), q.MaxBody))))
		}
	}
	return page.End()
}

// Versions implements store.Timelines.
func (j jobs) Versions(ctx context.Context, id domain.JobID, parts store.Parts) (found []domain.Version, err error) {
	err = j.do(ctx, func(d *Disk) error {
		if is := d.jobs[id]; is != nil {
			for _, v := range is.versions {
				found = append(found, partsOf(v, parts))
			}
		}
		return nil
	})
	return found, err
}

// VersionsBefore implements store.Timelines.
func (j jobs) VersionsBefore(ctx context.Context, q store.VersionQuery) (found []domain.Version, err error) {
	err = j.do(ctx, func(d *Disk) error {
		is := d.jobs[q.JobID]
		if is == nil {
			return nil
		}
		page := store.Meter{Rows: q.Limit, Bytes: q.MaxBytes}
		for _, v := range slices.Backward(is.versions) {
			if v.Number >= q.Top() {
				continue
			}
			if page.Full() {
				break
			}
			found = append(found, copyVersion(v))
			page.Add(v.Size())
		}
		return nil
	})
	return found, err
}

// partsOf returns a copy of a version with what was asked for and no more: who
// relies on the rest is found out.
func partsOf(v domain.Version, parts store.Parts) domain.Version {
	if parts == store.WholeVersions {
		return copyVersion(v)
	}
	s := v.Spec
	v.Spec = domain.Spec{
		Namespace: s.Namespace, Schedule: s.Schedule, Timezone: s.Timezone, Type: s.Type,
		StartAt: s.StartAt, EndAt: s.EndAt, JitterMs: s.JitterMs, DST: s.DST,
	}
	return v
}

// Timeline implements store.Timelines.
func (j jobs) Timeline(ctx context.Context, of store.ShardSet, since int64, parts store.Parts,
	fn func(domain.Version) error) error {
	return stream(ctx, j.Store, func(d *Disk) (found []domain.Version) {
		for _, id := range d.ids() {
			if !of.HasJob(id, len(d.owners.shards)) {
				continue
			}
			for _, v := range d.jobs[id].versions {
				// A version ends before its EffectiveTo.
				if v.EffectiveTo == domain.Forever || v.EffectiveTo-1 > since {
					found = append(found, partsOf(v, parts))
				}
			}
		}
		return found
	}, fn)
}

// Count implements store.Jobs.
func (j jobs) Count(ctx context.Context) (total, active int64, err error) {
	err = j.do(ctx, func(d *Disk) error {
		for _, is := range d.jobs {
			if !is.deleted {
				total++
				if is.current().Active {
					active++
				}
			}
		}
		return nil
	})
	return total, active, err
}
