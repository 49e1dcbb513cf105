package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// maxAlertURLs bounds the channels of the settings; others are made by the API.
const maxAlertURLs = 20

// alertSchemes are what the URL of a channel begins with. Package domain makes channels of them.
var alertSchemes = []string{
	"discord", "gotify", "http", "https", "mattermost", "ntfy", "pagerduty", "pushover", "rocketchat", "slack", "smtp",
	"smtps", "telegram",
}

// nextURL is where a comma ends a URL: another one follows. One of a URL itself, as in a list of recipients, does not.
var nextURL = regexp.MustCompile(`,+([a-z]+://|$)`)

// setAlertURLs reads URLs separated by commas or spaces. Its messages show none: a URL often has a token.
func setAlertURLs(c *Config, raw string) string {
	rule := "must be URLs separated by commas, which begin with one of " + strings.Join(alertSchemes, ", ")
	var urls []Secret
	for _, text := range strings.Fields(nextURL.ReplaceAllString(raw, " $1")) {
		text = strings.Trim(text, ",")
		u, err := url.Parse(text)
		if text == "" {
			continue
		}
		if err != nil || !slices.Contains(alertSchemes, u.Scheme) || strings.HasPrefix(u.Scheme, "http") &&
			!isWebURL(text) {
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
	if raw != "" && !isPlainURL(raw) {
		return "must be an http or https URL without a user, a query or a fragment: it is shown to people"
	}
	c.PublicURL = strings.TrimRight(raw, "/")
	return ""
}

func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// isPlainURL reports whether a text is a URL that has nothing but a host and a path.
func isPlainURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isWebURL(text) && u.User == nil && !strings.ContainsAny(text, "?#")
}
