package certs

import "container/list"

// lru is a map that drops what was used longest ago when it is full. It has no lock of
// its own.
type lru[K comparable, V any] struct {
	most  int
	byKey map[K]*list.Element // of *lruEntry[K, V]
	order *list.List          // what was used last comes first
}

type lruEntry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](most int) *lru[K, V] {
	return &lru[K, V]{most: most, byKey: make(map[K]*list.Element), order: list.New()}
}

// get returns the value of a key, which is then the one that was used last.
func (l *lru[K, V]) get(key K) (value V, ok bool) {
	at, ok := l.byKey[key]
	if !ok {
		return value, false
	}
	l.order.MoveToFront(at)
	return of[K, V](at).value, true
}

// peek is get without a use.
func (l *lru[K, V]) peek(key K) (value V, ok bool) {
	at, ok := l.byKey[key]
	if !ok {
		return value, false
	}
	return of[K, V](at).value, true
}

// put sets the value of a key, and drops another one if there is no room.
func (l *lru[K, V]) put(key K, value V) {
	if at, ok := l.byKey[key]; ok {
		of[K, V](at).value = value
		l.order.MoveToFront(at)
		return
	}
	l.byKey[key] = l.order.PushFront(&lruEntry[K, V]{key, value})
	if len(l.byKey) > l.most {
		l.remove(of[K, V](l.order.Back()).key)
	}
}

func (l *lru[K, V]) remove(key K) {
	if at, ok := l.byKey[key]; ok {
		l.order.Remove(at)
		delete(l.byKey, key)
	}
}

// oldest returns what was used longest ago.
func (l *lru[K, V]) oldest() (key K, value V, ok bool) {
	at := l.order.Back()
	if at == nil {
		return key, value, false
	}
	e := of[K, V](at)
	return e.key, e.value, true
}

// values returns all values, in no order.
func (l *lru[K, V]) values() []V {
	all := make([]V, 0, len(l.byKey))
	for _, at := range l.byKey {
		all = append(all, of[K, V](at).value)
	}
	return all
}

func of[K comparable, V any](at *list.Element) *lruEntry[K, V] {
	return at.Value.(*lruEntry[K, V]) //nolint:forcetypeassert // nothing else is put in
}
