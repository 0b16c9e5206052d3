{{/* What a container may do: nothing that the restricted Pod Security Standard forbids; takes the user's number. */}}
{{- define "gatehouse.securityContext" -}}
runAsNonRoot: true
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* The same for the pod, whose volumes then belong to the group. */}}
{{- define "gatehouse.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ int .Values.runAsUser }}
runAsGroup: {{ int .Values.runAsUser }}
fsGroup: {{ int .Values.runAsUser }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Environment: only by reference. */}}
{{- define "gatehouse.env" -}}
{{- if and (eq (include "gatehouse.storeKind" .) "redis") .Values.store.redis.secret.name }}
- name: GATEHOUSE_STORE
  valueFrom:
    secretKeyRef:
      name: {{ .Values.store.redis.secret.name | quote }}
      key: {{ .Values.store.redis.secret.key | quote }}
{{- end }}
{{- range $name, $from := .Values.secrets }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret | quote }}
      key: {{ $from.key | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "gatehouse.container" -}}
name: gatehouse
image: {{ include "gatehouse.image" (dict "image" .Values.image "tag" .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [serve, {{ if .Values.ingressController.enabled }}--kubernetes, {{ end }}--config, /etc/gatehouse/config/gatehouse.yaml]
{{- with include "gatehouse.env" . | trim }}
env:
  {{- . | nindent 2 }}
{{- end }}
ports:
  - { name: http, containerPort: {{ int .Values.ports.http }}, protocol: TCP }
  - { name: admin, containerPort: {{ int .Values.ports.admin }}, protocol: TCP }
startupProbe:
  httpGet: { path: /healthz, port: admin }
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: admin }
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet: { path: /readyz, port: admin }
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 1
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- include "gatehouse.securityContext" .Values.runAsUser | nindent 2 }}
volumeMounts:
  - { name: gatehouse-config, mountPath: /etc/gatehouse/config, readOnly: true }
  {{- range include "gatehouse.policySources" . | fromYamlArray }}
  {{- if .configMap }}
  - { name: {{ include "gatehouse.mapVolume" .configMap }}, mountPath: {{ printf "/etc/gatehouse/policies/%s" .path }}, readOnly: true }
  {{- end }}
  {{- end }}
  {{- if .Values.policies.git.repository }}
  - { name: gatehouse-git, mountPath: /etc/gatehouse/policies/git, readOnly: true }
  {{- end }}
  {{- range .Values.tls }}
  - { name: {{ printf "gatehouse-tls-%s" . | trunc 63 | trimSuffix "-" }}, mountPath: {{ printf "/etc/gatehouse/tls/%s" . }}, readOnly: true }
  {{- end }}
  {{- if eq (include "gatehouse.storeKind" .) "sqlite" }}
  - { name: gatehouse-sessions, mountPath: /var/lib/gatehouse }
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* A name for the volume of a ConfigMap; names of ConfigMaps may have dots. */}}
{{- define "gatehouse.mapVolume" -}}
{{- printf "map-%s" . | replace "." "-" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "gatehouse.volumes" -}}
- name: gatehouse-config
  configMap: { name: {{ include "gatehouse.fullname" . }}-config }
{{- range include "gatehouse.policySources" . | fromYamlArray }}
{{- if .configMap }}
- name: {{ include "gatehouse.mapVolume" .configMap }}
  configMap: { name: {{ .configMap | quote }} }
{{- end }}
{{- end }}
{{- range .Values.tls }}
- name: {{ printf "gatehouse-tls-%s" . | trunc 63 | trimSuffix "-" }}
  secret: { secretName: {{ . | quote }}, defaultMode: 0440 }
{{- end }}
{{- if eq (include "gatehouse.storeKind" .) "sqlite" }}
{{- include "gatehouse.sessionVolume" . | nindent 0 }}
{{- end }}
{{- if .Values.policies.git.repository }}
{{- include "gatehouse.gitVolumes" . | nindent 0 }}
{{- end }}
{{- with .Values.extraVolumes }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}

{{- define "gatehouse.sessionVolume" -}}
- name: gatehouse-sessions
{{- if .Values.store.sqlite.existingClaim }}
  persistentVolumeClaim: { claimName: {{ .Values.store.sqlite.existingClaim | quote }} }
{{- else if and .Values.store.sqlite.size (ne .Values.mode "sidecar") }}
  persistentVolumeClaim: { claimName: {{ include "gatehouse.fullname" . }}-sessions }
{{- else }}
  emptyDir: { sizeLimit: 256Mi }
{{- end }}
{{- end -}}
