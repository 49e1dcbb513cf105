package run

// Never is the next fire of a job that has none.
const Never int64 = 1<<63 - 1
