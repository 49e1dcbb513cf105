//go:build linux

package power

import (
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// rootIno is the number of the mounted folder.
const rootIno = 1

// Disk is the state of the file system. Its methods may be called at any time
// from any goroutine.
type Disk struct {
	Path string // where it is mounted

	mu      sync.Mutex
	root    *object
	lastIno uint64
	renames []nameChange // not durable yet, oldest first
	syncs   map[string]int
	changes int
	cutAt   int // number of changes at which the power goes; 0: never by itself
	lost    chan struct{}

	beforeSync func(path string) error
}

// object is a file or a folder.
type object struct {
	ino      uint64
	mode     uint32 // permissions
	name     string // path at its creation, for counting
	volatile bool   // shared memory: never in an image

	live, durable []byte
	pending       []dataChange // not durable yet, oldest first

	names, durableNames map[string]*object // nil: a file
}

// dataChange is a write, or the setting of a length.
type dataChange struct {
	at       int64 // where the write begins, or the new length
	data     []byte
	truncate bool
}

// nameChange is a step that changes names, of which all or nothing is durable.
type nameChange []nameSet

type nameSet struct {
	folder *object
	name   string
	object *object // nil: the name goes
}

func newDisk() *Disk {
	d := &Disk{syncs: make(map[string]int), lost: make(chan struct{}), lastIno: rootIno}
	d.root = &object{ino: rootIno, mode: 0o700, names: map[string]*object{}, durableNames: map[string]*object{}}
	return d
}

// newObject makes a file or a folder that has no name yet. The caller holds mu.
func (d *Disk) newObject(folder *object, name string, mode uint32, isFolder bool) *object {
	d.lastIno++
	o := &object{
		ino: d.lastIno, mode: mode & 0o7777, name: path.Join(folder.name, name),
		volatile: strings.HasSuffix(name, "-shm"),
	}
	if isFolder {
		o.names, o.durableNames = map[string]*object{}, map[string]*object{}
	}
	return o
}

// Cut takes the power away. A second call does nothing.
func (d *Disk) Cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut()
}

func (d *Disk) cut() {
	if !d.isLost() {
		close(d.lost)
	}
}

func (d *Disk) isLost() bool {
	select {
	case <-d.lost:
		return true
	default:
		return false
	}
}

// CutAfter takes the power away at the n-th change from now, n >= 1. A change
// is a write, a change of length or of a name, or an fsync; that one and all
// later ones do not happen.
func (d *Disk) CutAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt = d.changes + n
}

// Lost is closed when the power has gone.
func (d *Disk) Lost() <-chan struct{} { return d.lost }

// Changes returns how many changes there have been; see CutAfter.
func (d *Disk) Changes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changes
}

// Syncs returns how often a file or a folder was synced. The path is the one
// at its creation, from the mounted folder, which is "" itself.
func (d *Disk) Syncs(path string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs[path]
}

// BeforeSync has fn called before each fsync, with the path as for Syncs. The
// fsync waits for it, and fails with EIO if it returns an error: fn makes the
// disk slow, or ends its power or a process at that moment.
func (d *Disk) BeforeSync(fn func(path string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.beforeSync = fn
}

// reach begins an operation that only reads. The caller holds mu.
func (d *Disk) reach() syscall.Errno {
	if d.isLost() {
		return syscall.EIO
	}
	return 0
}

// change begins an operation that changes an object. The caller holds mu.
func (d *Disk) change(o *object) syscall.Errno {
	if d.isLost() {
		return syscall.EIO
	}
	if o.volatile {
		return 0
	}
	d.changes++
	if d.changes == d.cutAt {
		d.cut()
		return syscall.EIO
	}
	return 0
}

// write changes the live content.
func (d *Disk) write(o *object, data []byte, at int64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if errno := d.change(o); errno != 0 {
		return errno
	}
	c := dataChange{at: at, data: slices.Clone(data)}
	o.live = c.apply(o.live)
	if !o.volatile {
		o.pending = append(o.pending, c)
	}
	return 0
}

// truncate changes the live length.
func (d *Disk) truncate(o *object, size int64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if errno := d.change(o); errno != 0 {
		return errno
	}
	c := dataChange{at: size, truncate: true}
	o.live = c.apply(o.live)
	if !o.volatile {
		o.pending = append(o.pending, c)
	}
	return 0
}

// sync makes an object durable: the content of a file, the names in a folder.
func (d *Disk) sync(o *object) syscall.Errno {
	d.mu.Lock()
	before := d.beforeSync
	d.mu.Unlock()
	if before != nil && before(o.name) != nil {
		return syscall.EIO
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if errno := d.change(o); errno != 0 {
		return errno
	}
	d.syncs[o.name]++
	for _, c := range o.pending {
		o.durable = c.apply(o.durable)
	}
	o.pending = nil
	if o.names == nil {
		return 0
	}
	d.renames = slices.DeleteFunc(d.renames, func(c nameChange) bool {
		if !c.touches(o) {
			return false
		}
		c.apply(durableNames)
		return true
	})
	return 0
}

// rename changes live names in one step. The caller holds mu and has begun the
// change.
func (d *Disk) rename(c nameChange) {
	c.apply(liveNames)
	d.renames = append(d.renames, c)
}

func liveNames(o *object) map[string]*object    { return o.names }
func durableNames(o *object) map[string]*object { return o.durableNames }

func (c nameChange) touches(folder *object) bool {
	return slices.ContainsFunc(c, func(s nameSet) bool { return s.folder == folder })
}

func (c nameChange) apply(names func(*object) map[string]*object) {
	for _, s := range c {
		if s.object == nil {
			delete(names(s.folder), s.name)
		} else {
			names(s.folder)[s.name] = s.object
		}
	}
}

// apply returns the content after the change. It may use the memory of the
// content before.
func (c dataChange) apply(content []byte) []byte {
	if c.truncate {
		return resize(content, c.at)
	}
	content = resize(content, max(int64(len(content)), c.at+int64(len(c.data))))
	copy(content[c.at:], c.data)
	return content
}

// resize sets a length; what is new is zero.
func resize(content []byte, size int64) []byte {
	n := int(size)
	if n <= len(content) {
		return content[:n]
	}
	old := len(content)
	content = slices.Grow(content, n-old)[:n]
	clear(content[old:])
	return content
}

// sortedNames returns the names in a folder.
func sortedNames(names map[string]*object) []string { return slices.Sorted(maps.Keys(names)) }
