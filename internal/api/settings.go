package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Setting is a setting of the server that holds, and where it is from.
type Setting struct {
	Key, Value, Source, From string
	Default, Usage           string
	Variable, Flag           string // empty: it has none
	Secret                   bool   // Value has a mask in place of what must not be shown
}

// settingRoutes show what the server was started with.
type settingRoutes struct{ settings []Setting }

func (h *settingRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-settings", Method: http.MethodGet, Path: "/settings", Tags: []string{"Observability"},
		Summary: "Show the settings of the server",
		Description: "Each setting with the value that holds, and where it is from. They are those of the server " +
			"that answers, and they change only when it is started again. Secrets are masked. For admins.",
	}, h.list)
}

type settingsOutput struct{ Body settingsBody }

type settingsBody struct {
	Settings []settingBody `json:"settings" nullable:"false" doc:"All settings, in the order in which they are documented."`
}

type settingBody struct {
	Key      string `json:"key" doc:"Its name, as in a file." example:"retention"`
	Value    string `json:"value" doc:"The value that holds, as it would be written in a file; empty: none." example:"30d"`
	Secret   bool   `json:"secret" doc:"Whether it is a secret: value has a mask in its place, and how many there are." example:"false"`
	Source   string `json:"source" enum:"default,file,dotenv,environment,flag" doc:"The kind of the place that it is from. A flag overrides the environment, which overrides a .env file, which overrides the file." example:"environment"`
	From     string `json:"from" doc:"That place, for people." example:"environment BELFRY_RETENTION"`
	Default  string `json:"default,omitempty" doc:"The value that holds where nothing sets it; absent: none." example:"30d"`
	Usage    string `json:"usage" doc:"What it is for." example:"how long history is retained"`
	Variable string `json:"variable,omitempty" doc:"The variable that sets it; absent: none does." example:"BELFRY_RETENTION"`
	Flag     string `json:"flag,omitempty" doc:"The flag of belfry serve that sets it, without its hyphens; absent: none does." example:"retention"`
}

func (h *settingRoutes) list(context.Context, *struct{}) (*settingsOutput, error) {
	out := &settingsOutput{settingsBody{make([]settingBody, len(h.settings))}}
	for i := range h.settings {
		s := &h.settings[i]
		out.Body.Settings[i] = settingBody{s.Key, s.Value, s.Secret, s.Source, s.From, s.Default, s.Usage, s.Variable,
			s.Flag}
	}
	return out, nil
}
