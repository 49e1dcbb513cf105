package dialect

import "strings"

// Read recognises a foreign text. It is for texts that Belfry refuses: some are legal in both notations.
func Read(text string) (Reading, bool) { return read(within{read: read}, text) }

// deepest bounds the work, because a text inside of another one is read again. A quoted
// file with a line that is quoted after its zone has four levels.
const deepest = 4

// read is Read for texts inside of other texts.
func read(w within, text string) (Reading, bool) {
	if len(text) > MaxText || w.texts > deepest {
		return Reading{}, false
	}
	trimmed := strings.Trim(text, " \t\r\n")
	if trimmed == "" {
		return Reading{}, false
	}
	for _, notation := range []func(string) (Reading, bool){
		w.readLines, w.readZonePrefix, w.readAround, readUnlike, readEventBridge, readMacro, readEvery, readISO,
		readInstant, readBareEventBridge,
		readYearLast, w.readCrontabLine, readQuartz, readEnglish, readSystemd,
	} {
		if r, ok := notation(trimmed); ok {
			return r, true
		}
	}
	return w.readPasted(text)
}
