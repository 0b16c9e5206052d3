{{/* Names under which Gatehouse tells who asks: what a proxy must copy, and must not take from clients. */}}
{{- define "gatehouse.identityHeaders" -}}
{{- $own := default dict .Values.config.identity_headers -}}
{{- $names := default (list "X-Forwarded-User" "X-Forwarded-Email" "X-Forwarded-Preferred-Username" "X-Forwarded-Groups") (keys (default dict $own.headers) | sortAlpha) -}}
{{- if eq (default "none" $own.preset) "pomerium" -}}
{{- $names = append $names "X-Pomerium-Jwt-Assertion" -}}
{{- else if eq (default "none" $own.preset) "oauth2-proxy" -}}
{{- $names = concat $names (list "X-Auth-Request-User" "X-Auth-Request-Email" "X-Auth-Request-Preferred-Username" "X-Auth-Request-Groups") -}}
{{- end -}}
{{- $names = append $names (default "X-Gatehouse-Jwt-Assertion" $own.assertion) -}}
{{- toYaml (default ($names | uniq) .Values.forwardAuth.headers) -}}
{{- end -}}

{{/* The same, and the client's cookies without Gatehouse's own. */}}
{{- define "gatehouse.answerHeaders" -}}
{{- toYaml (append (include "gatehouse.identityHeaders" . | fromYamlArray) "Cookie" | uniq) -}}
{{- end -}}

{{/* Annotations for the Ingress of an app behind ingress-nginx. */}}
{{- define "gatehouse.ingressNginx.annotations" -}}
nginx.ingress.kubernetes.io/auth-url: {{ include "gatehouse.serviceUrl" . }}/.gatehouse/auth/nginx
nginx.ingress.kubernetes.io/auth-signin: https://$host/.gatehouse/sign_in
nginx.ingress.kubernetes.io/auth-response-headers: {{ include "gatehouse.answerHeaders" . | fromYamlArray | join "," }}
{{- end -}}

{{/* Snippet for a Caddyfile: `import gatehouse`, then the app's own `reverse_proxy`. */}}
{{- define "gatehouse.caddyfile" -}}
{{- $url := include "gatehouse.serviceUrl" . -}}
(gatehouse) {
	route /.gatehouse/* {
		reverse_proxy {{ $url }}
	}
	route {
		{{- range include "gatehouse.identityHeaders" . | fromYamlArray }}
		request_header -{{ . }}
		{{- end }}
		forward_auth {{ $url }} {
			uri /.gatehouse/auth/caddy
			copy_headers {{ include "gatehouse.answerHeaders" . | fromYamlArray | join " " }}
		}
		reverse_proxy {args[0]}
	}
}
{{- end -}}
