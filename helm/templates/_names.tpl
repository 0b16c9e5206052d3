{{/* Name of the app in labels. */}}
{{- define "gatehouse.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of all objects, short enough for what is added to it. */}}
{{- define "gatehouse.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else if contains (include "gatehouse.name" .) .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "gatehouse.name" .) | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels by which pods are selected: they never change. */}}
{{- define "gatehouse.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gatehouse.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "gatehouse.labels" -}}
{{ include "gatehouse.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Labels of the pods that the public port belongs to: ours, or those of the app that Gatehouse stands beside. */}}
{{- define "gatehouse.podSelector" -}}
{{- if eq .Values.mode "sidecar" -}}
{{- toYaml .Values.sidecar.podSelector -}}
{{- else -}}
{{- include "gatehouse.selectorLabels" . -}}
{{- end -}}
{{- end -}}

{{- define "gatehouse.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "gatehouse.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Reference of an image; takes its values and a tag for where they name none. */}}
{{- define "gatehouse.image" -}}
{{- with .image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.tag .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Host of the Service, from anywhere in the cluster. */}}
{{- define "gatehouse.serviceHost" -}}
{{- printf "%s.%s.svc.cluster.local" (include "gatehouse.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* As `http://gatehouse.auth.svc.cluster.local`: where other proxies ask. */}}
{{- define "gatehouse.serviceUrl" -}}
{{- $scheme := ternary "https" "http" (gt (len .Values.tls) 0) -}}
{{- $usual := ternary 443 80 (eq $scheme "https") -}}
{{- $port := int .Values.service.port -}}
{{- printf "%s://%s%s" $scheme (include "gatehouse.serviceHost" .) (ternary "" (printf ":%d" $port) (eq $port $usual)) -}}
{{- end -}}
