package resolve

import (
	"sync"
	"time"
)

// silence knows which name servers do not answer. Package net asks them in the order of
// the configuration, each for its timeout (5 s): with a dead one in front each lookup would
// take that long.
type silence struct {
	mu      sync.Mutex
	servers map[string]*serverState // by address
}

// serverState is what is known of a name server.
type serverState struct {
	answered time.Time // last; zero: never
	silent   bool      // the last question that ended had no answer
	probed   time.Time // when it was last asked although it is silent
}

// passOver reports whether a server is not asked now, because it is silent and another one
// answers. From time to time it is asked all the same.
func (s *silence) passOver(address string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.servers[address]
	if st == nil || !st.silent || !s.otherAnswers(address, now) {
		return false
	}
	if now.Sub(st.probed) < probeEvery {
		return true
	}
	st.probed = now
	return false
}

func (s *silence) otherAnswers(address string, now time.Time) bool {
	for a, st := range s.servers {
		if a != address && !st.silent && now.Sub(st.answered) < answersFor {
			return true
		}
	}
	return false
}

// saw notes whether a server has answered a question within its timeout.
func (s *silence) saw(address string, answered bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.servers[address]
	if st == nil {
		if s.servers == nil || len(s.servers) >= maxServers {
			s.servers = make(map[string]*serverState) // they are learned again at once
		}
		st = new(serverState)
		s.servers[address] = st
	}
	if st.silent = !answered; answered {
		st.answered = now
	} else {
		st.probed = now
	}
}
