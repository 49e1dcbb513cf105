package config

import (
	"net/url"
	"strings"
)

// maxAlertURLs bounds the webhooks of the settings; others are made by the API.
const maxAlertURLs = 20

// setAlertURLs reads URLs separated by commas or spaces. Its messages show none: a URL often has a token.
func setAlertURLs(c *Config, raw string) string {
	const rule = "must be http or https URLs, separated by commas"
	var urls []Secret
	for _, text := range strings.FieldsFunc(raw, func(r rune) bool { return strings.ContainsRune(", \t\n", r) }) {
		if !isWebURL(text) {
			return rule
		}
		urls = append(urls, Secret(text))
	}
	if len(urls) > maxAlertURLs {
		return rule + ", at most 20 of them"
	}
	c.AlertURLs = urls
	return ""
}

// setDeadmanURL reads one URL. Its message does not show it.
func setDeadmanURL(c *Config, raw string) string {
	c.Deadman.URLs = nil
	if raw == "" {
		return ""
	}
	if !isWebURL(raw) {
		return "must be an http or https URL"
	}
	c.Deadman.URLs = []Secret{Secret(raw)}
	return ""
}

func setPublicURL(c *Config, raw string) string {
	if raw != "" && !isWebURL(raw) {
		return "must be an http or https URL"
	}
	c.PublicURL = strings.TrimRight(raw, "/")
	return ""
}

func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}
