package front

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestWriter(t *testing.T) {
	w := httptest.NewRecorder()
	rec := &writer{ResponseWriter: w}
	if _, err := rec.Write([]byte("abc")); err != nil || rec.status != 200 || rec.bytes != 3 {
		t.Errorf("%+v, %v", rec, err)
	}
	rec.WriteHeader(500) // too late
	if w.Code != 200 || rec.status != 200 {
		t.Errorf("%d", w.Code)
	}
	if ServerWriter(rec) != http.ResponseWriter(w) || ServerWriter(w) != http.ResponseWriter(w) ||
		rec.Unwrap() != http.ResponseWriter(w) {
		t.Error("the writer inside is not reached")
	}
}
