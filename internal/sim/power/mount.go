//go:build linux

package power

import (
	"context"
	"errors"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// cacheFor is how long the kernel may remember names and lengths. All changes
// go through it, so it knows.
const cacheFor = time.Second

// Mount mounts a disk with the content of the source folder, or an empty one
// if source is "", for the time of a test. Where FUSE is not permitted the
// test is skipped.
func Mount(t testing.TB, source string) *Disk {
	t.Helper()
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no power can be cut here: FUSE cannot be used: %v", err)
	}
	if err := device.Close(); err != nil {
		t.Fatal(err)
	}
	d := newDisk()
	d.Path = t.TempDir()
	if source != "" {
		if err := d.load(source, d.root); err != nil {
			t.Fatal(err)
		}
	}
	timeout := cacheFor
	server, err := fs.Mount(d.Path, &node{d: d, o: d.root}, &fs.Options{
		EntryTimeout: &timeout, AttrTimeout: &timeout, UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
		RootStableAttr: &fs.StableAttr{Mode: syscall.S_IFDIR, Ino: rootIno},
		MountOptions:   fuse.MountOptions{DirectMountStrict: true, FsName: "power", Name: "power", DisableXAttrs: true},
	})
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skipf("no power can be cut here: mounting is not permitted: %v", err)
	}
	if err == nil {
		err = hideFromChildren()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Errorf("unmount %s: %v", d.Path, err)
			_ = syscall.Unmount(d.Path, syscall.MNT_DETACH)
		}
	})
	return d
}

// hideFromChildren closes the connection to the kernel in processes that the test
// starts; go-fuse does not do that when it mounts directly, as here. A child that
// inherited it would wait for answers of a test that has died, and could not be
// killed.
func hideFromChildren() error {
	const folder = "/proc/self/fd/"
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if target, err := os.Readlink(folder + entry.Name()); err != nil || target != "/dev/fuse" {
			continue
		}
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			return err
		}
		syscall.CloseOnExec(fd)
	}
	return nil
}

// node is an object as the kernel knows it.
type node struct {
	fs.Inode
	d *Disk
	o *object
}

// handle is an open file.
type handle struct{ sync bool }

var (
	_ fs.NodeLookuper  = (*node)(nil)
	_ fs.NodeGetattrer = (*node)(nil)
	_ fs.NodeSetattrer = (*node)(nil)
	_ fs.NodeOpener    = (*node)(nil)
	_ fs.NodeCreater   = (*node)(nil)
	_ fs.NodeMkdirer   = (*node)(nil)
	_ fs.NodeUnlinker  = (*node)(nil)
	_ fs.NodeRmdirer   = (*node)(nil)
	_ fs.NodeRenamer   = (*node)(nil)
	_ fs.NodeReaddirer = (*node)(nil)
	_ fs.NodeReader    = (*node)(nil)
	_ fs.NodeWriter    = (*node)(nil)
	_ fs.NodeFsyncer   = (*node)(nil)
	_ fs.NodeStatfser  = (*node)(nil)
)

func (o *object) stable() fs.StableAttr {
	if o.names != nil {
		return fs.StableAttr{Mode: syscall.S_IFDIR, Ino: o.ino}
	}
	return fs.StableAttr{Mode: syscall.S_IFREG, Ino: o.ino}
}

// describe fills the attributes. The caller holds mu.
func (o *object) describe(out *fuse.Attr) {
	out.Ino, out.Mode, out.Nlink = o.ino, o.stable().Mode|o.mode, 1
	out.Size, out.Blksize = uint64(len(o.live)), 4096
	out.Blocks = (out.Size + sector - 1) / sector
}

// child returns the kernel's node of an object. The caller holds mu.
func (n *node) child(ctx context.Context, o *object, out *fuse.EntryOut) *fs.Inode {
	o.describe(&out.Attr)
	return n.NewInode(ctx, &node{d: n.d, o: o}, o.stable())
}

func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if errno := n.d.reach(); errno != 0 {
		return nil, errno
	}
	o := n.o.names[name]
	if o == nil {
		return nil, syscall.ENOENT
	}
	return n.child(ctx, o, out), 0
}

func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	n.o.describe(&out.Attr)
	return n.d.reach()
}

func (n *node) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if errno := n.d.truncate(n.o, int64(size)); errno != 0 { //nolint:gosec // lengths fit
			return errno
		}
	}
	if mode, ok := in.GetMode(); ok {
		n.d.mu.Lock()
		n.o.mode = mode & 0o7777
		n.d.mu.Unlock()
	}
	return n.Getattr(ctx, f, out)
}

func (n *node) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_TRUNC != 0 {
		if errno := n.d.truncate(n.o, 0); errno != 0 {
			return nil, 0, errno
		}
	}
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	return &handle{sync: flags&syscall.O_DSYNC != 0}, fuse.FOPEN_KEEP_CACHE, n.d.reach()
}

// add makes an object with a name.
func (n *node) add(ctx context.Context, name string, mode uint32, folder bool, out *fuse.EntryOut) (*fs.Inode,
	syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if n.o.names[name] != nil {
		return nil, syscall.EEXIST
	}
	o := n.d.newObject(n.o, name, mode, folder)
	if errno := n.d.change(o); errno != 0 {
		return nil, errno
	}
	n.d.rename(nameChange{{n.o, name, o}})
	return n.child(ctx, o, out), 0
}

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode,
	fs.FileHandle, uint32, syscall.Errno) {
	inode, errno := n.add(ctx, name, mode, false, out)
	return inode, &handle{sync: flags&syscall.O_DSYNC != 0}, fuse.FOPEN_KEEP_CACHE, errno
}

func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return n.add(ctx, name, mode, true, out)
}

func (n *node) remove(name string) syscall.Errno {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	o := n.o.names[name]
	switch {
	case o == nil:
		return syscall.ENOENT
	case len(o.names) > 0:
		return syscall.ENOTEMPTY
	}
	if errno := n.d.change(o); errno != 0 {
		return errno
	}
	n.d.rename(nameChange{{n.o, name, nil}})
	return 0
}

func (n *node) Unlink(_ context.Context, name string) syscall.Errno { return n.remove(name) }
func (n *node) Rmdir(_ context.Context, name string) syscall.Errno  { return n.remove(name) }

func (n *node) Rename(_ context.Context, name string, parent fs.InodeEmbedder, newName string,
	flags uint32) syscall.Errno {
	to, ok := parent.(*node)
	if !ok || flags != 0 {
		return syscall.EINVAL
	}
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	o := n.o.names[name]
	if o == nil {
		return syscall.ENOENT
	}
	if errno := n.d.change(o); errno != 0 {
		return errno
	}
	n.d.rename(nameChange{{n.o, name, nil}, {to.o, newName, o}})
	return 0
}

func (n *node) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	entries := make([]fuse.DirEntry, 0, len(n.o.names))
	for _, name := range sortedNames(n.o.names) {
		o := n.o.names[name]
		entries = append(entries, fuse.DirEntry{Name: name, Ino: o.ino, Mode: o.stable().Mode})
	}
	return fs.NewListDirStream(entries), n.d.reach()
}

func (n *node) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	if errno := n.d.reach(); errno != 0 {
		return nil, errno
	}
	from := min(off, int64(len(n.o.live)))
	return fuse.ReadResultData(dest[:copy(dest, n.o.live[from:])]), 0
}

func (n *node) Write(_ context.Context, f fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	if errno := n.d.write(n.o, data, off); errno != 0 {
		return 0, errno
	}
	if h, ok := f.(*handle); ok && h.sync {
		return uint32(len(data)), n.d.sync(n.o) //nolint:gosec // bounded by the kernel
	}
	return uint32(len(data)), 0 //nolint:gosec // bounded by the kernel
}

func (n *node) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno { return n.d.sync(n.o) }

func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.Bsize, out.Frsize, out.Blocks, out.Bfree, out.Bavail, out.NameLen = 4096, 4096, 1<<24, 1<<23, 1<<23, 255
	n.d.mu.Lock()
	defer n.d.mu.Unlock()
	return n.d.reach()
}
