{{- /*
For the chart of an app that holds this one as `gatehouse`, with `mode: sidecar`. In the app's pod:

  initContainers: {{ include "gatehouse.sidecar.initContainers" .Subcharts.gatehouse | nindent 8 }}
  containers:     {{ include "gatehouse.sidecar.containers" .Subcharts.gatehouse | nindent 8 }}
  volumes:        {{ include "gatehouse.sidecar.volumes" .Subcharts.gatehouse | nindent 8 }}
*/ -}}
{{- define "gatehouse.sidecar.initContainers" -}}
{{- if .Values.policies.git.repository -}}
- {{ include "gatehouse.gitContainer" (dict "root" . "name" "git-sync-first" "once" true) | nindent 2 | trim }}
{{- end -}}
{{- end -}}

{{- define "gatehouse.sidecar.containers" -}}
- {{ include "gatehouse.container" . | nindent 2 | trim }}
{{- if .Values.policies.git.repository }}
- {{ include "gatehouse.gitContainer" (dict "root" . "name" "git-sync" "once" false) | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{- define "gatehouse.sidecar.volumes" -}}
{{- include "gatehouse.volumes" . -}}
{{- end -}}
