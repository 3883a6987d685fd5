{{- define "thunderhelm.name" -}}
{{- if contains .root.Chart.Name .root.Release.Name -}}
{{ .root.Release.Name }}-{{ .component }}
{{- else -}}
{{ .root.Release.Name }}-{{ .root.Chart.Name }}-{{ .component }}
{{- end -}}
{{- end }}
{{- define "thunderhelm.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}
{{- define "thunderhelm.labels" -}}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{ include "thunderhelm.selector" . }}
{{- end }}
