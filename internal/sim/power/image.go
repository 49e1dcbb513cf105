//go:build linux

package power

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// sector is the largest piece that a disk writes whole.
const sector = 512

// Fate decides how much of the unsynced changes the disk had written. The same
// fate gives the same image.
type Fate struct {
	Seed   uint64
	Chance float64 // of each unsynced piece to be there; 0: nothing unsynced is
}

// Image writes what the loss of power leaves into a folder, which must exist.
// It may be called before Cut: then it is what a cut at this moment would
// leave.
func (d *Disk) Image(folder string, fate Fate) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	random := rand.New(rand.NewPCG(fate.Seed, 0))
	durable := d.durableTree()
	for _, c := range d.renames {
		if random.Float64() < fate.Chance {
			c.apply(func(o *object) map[string]*object { return durable[o] })
		}
	}
	return writeTree(folder, d.root, durable, func(o *object) []byte {
		content := slices.Clone(o.durable)
		for _, c := range o.pending {
			for _, piece := range c.pieces() {
				if random.Float64() < fate.Chance {
					content = piece.apply(content)
				}
			}
		}
		return content
	})
}

// durableTree returns copies of the durable names of every folder.
func (d *Disk) durableTree() map[*object]map[string]*object {
	durable := make(map[*object]map[string]*object)
	var visit func(o *object)
	visit = func(o *object) {
		if o == nil || o.names == nil || durable[o] != nil {
			return
		}
		durable[o] = make(map[string]*object, len(o.durableNames))
		for name, child := range o.durableNames {
			durable[o][name] = child
			visit(child)
		}
	}
	visit(d.root)
	for _, c := range d.renames {
		for _, s := range c {
			visit(s.folder)
			visit(s.object)
		}
	}
	return durable
}

// pieces splits a write at the borders of sectors.
func (c dataChange) pieces() []dataChange {
	if c.truncate {
		return []dataChange{c}
	}
	var out []dataChange
	for at, data := c.at, c.data; len(data) > 0; {
		n := min(len(data), int(sector-at%sector))
		out = append(out, dataChange{at: at, data: data[:n]})
		at, data = at+int64(n), data[n:]
	}
	return out
}

func writeTree(folder string, o *object, durable map[*object]map[string]*object, content func(*object) []byte) error {
	for _, name := range sortedNames(durable[o]) {
		child, path := durable[o][name], filepath.Join(folder, name)
		if child.volatile {
			continue
		}
		if child.names == nil {
			if err := os.WriteFile(path, content(child), os.FileMode(child.mode)&os.ModePerm); err != nil {
				return err
			}
			continue
		}
		if err := os.Mkdir(path, os.FileMode(child.mode)&os.ModePerm); err != nil {
			return err
		}
		if err := writeTree(path, child, durable, content); err != nil {
			return err
		}
	}
	return nil
}

// load makes the content of a folder the durable content of the disk, except for
// shared memory.
func (d *Disk) load(folder string, into *object) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		o, path := d.newObject(into, entry.Name(), uint32(info.Mode().Perm()), entry.IsDir()),
			filepath.Join(folder, entry.Name())
		if o.volatile {
			continue
		}
		into.names[entry.Name()], into.durableNames[entry.Name()] = o, o
		if entry.IsDir() {
			err = d.load(path, o)
		} else if o.durable, err = os.ReadFile(path); err == nil {
			o.live = slices.Clone(o.durable)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
