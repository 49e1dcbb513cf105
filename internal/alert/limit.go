package alert

// minuteMs is the time that a channel's limit is about.
const minuteMs = 60_000

// Turn is what a channel does next with the messages that are due.
type Turn struct {
	Send   int   // how many are sent one by one, the first ones
	Digest bool  // all of them are sent as one
	WaitTo int64 // neither: until then
}

// NextTurn says what a channel does with so many messages that are due. sent are the instants of what it got in the
// last minute, oldest first. Once the limit is reached, it waits until a message may be sent again; what has become
// due meanwhile is one digest if it is more than one.
func NextTurn(due int, sent []int64, perMinute int, now int64) Turn {
	for len(sent) > 0 && sent[0] <= now-minuteMs {
		sent = sent[1:]
	}
	free := perMinute - len(sent)
	switch {
	case due == 0:
		return Turn{}
	case free <= 0:
		return Turn{WaitTo: sent[len(sent)-perMinute] + minuteMs}
	case due > free:
		return Turn{Digest: true}
	}
	return Turn{Send: due}
}

// NextDigest says how many messages the next digest of a channel has at most, after one of so many for which most was
// the limit. What is refused for what it is, is sent in halves, down to single messages. What is taken is sent in
// larger parts again, up to full.
//
//	the last digest    next one
//	was unfit          half of it
//	was taken          twice as many as most, up to full
//	failed otherwise   as many as most
func NextDigest(most, sent, full int, taken, unfit bool) int {
	switch {
	case unfit:
		return max(1, sent/2)
	case taken:
		return min(full, 2*most)
	}
	return most
}
