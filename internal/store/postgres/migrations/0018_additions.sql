CREATE TABLE addition (
    -- What transactions add to the tables "counter" and "series": a row each, since to change the rows there would cost
    -- each of them more than to insert one here. After some hundred of its own a process adds up all that there are, in
    -- the transaction that deletes them. Whoever reads the counters or the series adds these rows.
    body bytea NOT NULL -- see sums.go
);
