{{- define "gatehouse.envoyGateway" -}}
{{- $auth := .Values.forwardAuth -}}
{{- $gateway := $auth.envoyGateway.gateway -}}
{{- $gatewayNamespace := default .Release.Namespace $gateway.namespace -}}
{{- $name := include "gatehouse.fullname" . -}}
{{- $foreign := dict }}
{{- range $auth.envoyGateway.routes }}
{{- $namespace := default $.Release.Namespace .namespace }}
{{- if ne $namespace $.Release.Namespace }}
{{- $_ := set $foreign $namespace true }}
{{- end }}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata:
  name: {{ printf "%s-%s" $name .name | trunc 63 | trimSuffix "-" }}
  namespace: {{ $namespace }}
  labels:
    {{- include "gatehouse.labels" $ | nindent 4 }}
spec:
  targetRefs:
    - { group: gateway.networking.k8s.io, kind: HTTPRoute, name: {{ .name }} }
  extAuth:
    failOpen: false
    headersToExtAuth: [cookie, accept, origin, content-type, x-forwarded-for, sec-fetch-mode, sec-fetch-dest, sec-fetch-site, sec-purpose]
    http:
      path: /.gatehouse/auth/envoy
      backendRefs:
        - name: {{ $name }}
          namespace: {{ $.Release.Namespace }}
          port: {{ int $.Values.service.port }}
      headersToBackend:
        {{- include "gatehouse.answerHeaders" $ | nindent 8 }}
{{- end }}
{{- if $foreign }}
---
# Lets the policies of other namespaces ask our Service.
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "gatehouse.labels" . | nindent 4 }}
spec:
  from:
    {{- range keys $foreign | sortAlpha }}
    - { group: gateway.envoyproxy.io, kind: SecurityPolicy, namespace: {{ . }} }
    {{- end }}
  to:
    - { group: "", kind: Service, name: {{ $name }} }
{{- end }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {{ $name }}-own-pages
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "gatehouse.labels" . | nindent 4 }}
spec:
  parentRefs:
    - { name: {{ $gateway.name }}, namespace: {{ $gatewayNamespace }} }
  hostnames:
    {{- toYaml $auth.hosts | nindent 4 }}
  rules:
    - matches:
        - path: { type: PathPrefix, value: /.gatehouse }
      backendRefs:
        - name: {{ $name }}
          port: {{ int .Values.service.port }}
{{- if $auth.envoyGateway.clientTrafficPolicy }}
---
# Envoy keeps a client's header that Gatehouse does not send: these go before anybody is asked.
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata:
  name: {{ $name }}
  namespace: {{ $gatewayNamespace }}
  labels:
    {{- include "gatehouse.labels" . | nindent 4 }}
spec:
  targetRefs:
    - { group: gateway.networking.k8s.io, kind: Gateway, name: {{ $gateway.name }} }
  headers:
    withUnderscoresAction: RejectRequest
    earlyRequestHeaders:
      remove:
        {{- include "gatehouse.identityHeaders" . | nindent 8 }}
{{- end }}
{{- end -}}
