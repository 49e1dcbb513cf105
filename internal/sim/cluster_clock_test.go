package sim

import "time"

// follows is by how much the clock of the database may be wrong at most for nodes to follow it, and a bit
// more: a request may be as early as that. By more they do not, or they fire nothing.
const follows = 2_800 * time.Millisecond

// stepDBClock sets the clock of the database wrong, or right again. It is never as wrong as that of a node,
// because both together are right for all that anybody can know.
func (c *clusterDay) stepDBClock() {
	if c.dbClock.Now().Sub(c.clk.Now()).Abs() > 100*time.Millisecond {
		c.mendDBClock()
		return
	}
	d := pick(c.world, time.Second, -time.Second, 5*time.Second, -5*time.Second, 100*time.Second, -100*time.Second,
		70*time.Minute, -70*time.Minute)
	c.note("the clock of the database steps by %s", d)
	c.dbClock.Step(d)
	c.early = follows.Milliseconds()
}

// mendDBClock sets the clock of the database right.
func (c *clusterDay) mendDBClock() {
	if wrong := c.clk.Now().Sub(c.dbClock.Now()); wrong.Abs() > time.Millisecond {
		c.note("the clock of the database is set right, by %s", wrong)
		c.dbClock.Step(wrong)
	}
}
