{{/* Kind of the session store: memory, sqlite or redis. */}}
{{- define "gatehouse.storeKind" -}}
{{- default (ternary "sqlite" "redis" (eq .Values.mode "sidecar")) .Values.store.kind -}}
{{- end -}}

{{/* `session.store` of the config. */}}
{{- define "gatehouse.store" -}}
{{- $redis := .Values.store.redis -}}
{{- $kind := include "gatehouse.storeKind" . -}}
{{- if eq $kind "redis" -}}
{{- if $redis.secret.name -}}
${GATEHOUSE_STORE}
{{- else if not $redis.url -}}
{{- fail "store.redis.url or store.redis.secret.name is missing: sessions are kept in Redis; `store.kind: sqlite` with `replicas: 1` needs none" -}}
{{- else if not (regexMatch "^rediss?(-sentinel|-cluster)?://" $redis.url) -}}
{{- fail (printf "store.redis.url must begin with redis://, redis-sentinel:// or redis-cluster://, or rediss with TLS, not `%s`" $redis.url) -}}
{{- else if contains "@" $redis.url -}}
{{- fail "store.redis.url has a password in it, and values are no place for one: put the whole URL into a Secret and name it in store.redis.secret" -}}
{{- else -}}
{{- $redis.url -}}
{{- end -}}
{{- else if eq $kind "sqlite" -}}
sqlite:///var/lib/gatehouse/sessions.db
{{- else -}}
memory:
{{- end -}}
{{- end -}}

{{/* How many pods there may be at once. */}}
{{- define "gatehouse.mostPods" -}}
{{- if eq .Values.mode "sidecar" -}}
{{- .Values.sidecar.replicas -}}
{{- else if .Values.autoscaling.enabled -}}
{{- .Values.autoscaling.maxReplicas -}}
{{- else -}}
{{- .Values.replicas -}}
{{- end -}}
{{- end -}}

{{/* Seconds of a duration as the config has it, rounded up; takes `key` and `text`. */}}
{{- define "gatehouse.seconds" -}}
{{- if not (regexMatch "^(0|[1-9][0-9]{0,8})(ms|s|m|h|d)$" .text) -}}
{{- fail (printf "config.server.%s must be a duration such as 5s or 1m, not `%s`: the chart reads it for the pods' grace period" .key .text) -}}
{{- end -}}
{{- $count := regexFind "^[0-9]+" .text | int -}}
{{- $unit := regexFind "[a-z]+$" .text -}}
{{- if eq $unit "ms" -}}
{{- div (add $count 999) 1000 -}}
{{- else -}}
{{- mul $count (get (dict "s" 1 "m" 60 "h" 3600 "d" 86400) $unit) -}}
{{- end -}}
{{- end -}}

{{/* Seconds that a pod may take to end: longer than it drains. */}}
{{- define "gatehouse.gracePeriod" -}}
{{- $server := default dict .Values.config.server -}}
{{- $delay := include "gatehouse.seconds" (dict "key" "drain_delay" "text" (default "5s" $server.drain_delay)) | int -}}
{{- $timeout := include "gatehouse.seconds" (dict "key" "drain_timeout" "text" (default "30s" $server.drain_timeout)) | int -}}
{{- $drain := add $delay $timeout | int -}}
{{- $wanted := int .Values.terminationGracePeriodSeconds -}}
{{- if eq $wanted 0 -}}
{{- add $drain 10 -}}
{{- else if le $wanted $drain -}}
{{- fail (printf "terminationGracePeriodSeconds: %d is not more than drain_delay and drain_timeout together (%d s): pods would be killed while they finish requests" $wanted $drain) -}}
{{- else -}}
{{- $wanted -}}
{{- end -}}
{{- end -}}

{{/* What a key of the config is called where the chart writes it itself. */}}
{{- define "gatehouse.refuseOwnKeys" -}}
{{- $config := .Values.config -}}
{{- $server := default dict $config.server -}}
{{- range $key, $instead := dict "listen" "ports.http and listenAddress" "admin_listen" "ports.admin and listenAddress" "redirect_listen" "an Ingress or HTTPRoute in front" "tls" "the value `tls`" -}}
{{- if hasKey $server $key -}}
{{- fail (printf "config.server.%s is written by the chart: use %s" $key $instead) -}}
{{- end -}}
{{- end -}}
{{- if hasKey (default dict $config.session) "store" -}}
{{- fail "config.session.store is written by the chart: use store.redis.url, store.redis.secret or store.kind" -}}
{{- end -}}
{{- if hasKey $config "policies" -}}
{{- fail "config.policies is written by the chart: use policies.inline, policies.configMaps or policies.git" -}}
{{- end -}}
{{- end -}}

{{/* Every ${NAME} of the config must come from somewhere. */}}
{{- define "gatehouse.checkReferences" -}}
{{- $given := keys .Values.secrets -}}
{{- range .Values.extraEnv -}}
{{- $given = append $given .name -}}
{{- end -}}
{{- $text := toYaml .Values.config | replace "$${" "" -}}
{{- range regexFindAll "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}" $text -1 | uniq -}}
{{- $name := . | trimPrefix "${" | trimSuffix "}" -}}
{{- if not (has $name $given) -}}
{{- fail (printf "config names ${%s}, which the pods do not have: add `secrets.%s: { secret: ..., key: ... }`, or an entry of extraEnv" $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What can be told before anything runs; `gatehouse check` says the rest when the pods start. */}}
{{- define "gatehouse.check" -}}
{{- include "gatehouse.refuseOwnKeys" . -}}
{{- include "gatehouse.checkReferences" . -}}
{{- if not (dig "server" "public_url" "" .Values.config) -}}
{{- fail "config.server.public_url is missing: the origin of sign-in and pages, such as https://auth.example.com" -}}
{{- end -}}
{{- if not .Values.config.providers -}}
{{- fail "config.providers is missing: name at least one identity provider" -}}
{{- end -}}
{{- $kind := include "gatehouse.storeKind" . -}}
{{- $most := include "gatehouse.mostPods" . | int -}}
{{- if and (gt $most 1) (ne $kind "redis") -}}
{{- $key := ternary "sidecar.replicas" (ternary "autoscaling.maxReplicas" "replicas" .Values.autoscaling.enabled) (eq .Values.mode "sidecar") -}}
{{- fail (printf "%s: %d needs a store that all pods share, and `%s` is one pod's own: whoever signs in at one would be unknown to the others. Set store.kind: redis, or have one pod" $key $most $kind) -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" -}}
{{- end -}}
{{- if not (include "gatehouse.policySources" . | fromYamlArray) -}}
{{- fail "there are no policies, and without a route nothing is served: give policies.inline, policies.files, policies.configMaps or policies.git.repository, or sidecar.from in the mode sidecar" -}}
{{- end -}}
{{- $git := .Values.policies.git -}}
{{- if and $git.ssh.secret $git.token.secret -}}
{{- fail "policies.git has both a key (ssh) and a token: the URL takes one of them" -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.networkPolicy.enabled (not .Values.networkPolicy.metricsFrom) -}}
{{- fail "serviceMonitor.enabled needs networkPolicy.metricsFrom: the network policy would keep Prometheus out" -}}
{{- end -}}
{{- if and .Values.ingressController.enabled (ne .Values.mode "gateway") -}}
{{- fail (printf "ingressController.enabled is for the mode gateway, not %s" .Values.mode) -}}
{{- end -}}
{{- include (printf "gatehouse.check.%s" .Values.mode) . -}}
{{- end -}}

{{- define "gatehouse.check.gateway" -}}
{{- end -}}

{{- define "gatehouse.check.forward-auth" -}}
{{- if not (dig "forward_auth" "trusted_proxies" (list) .Values.config) -}}
{{- fail "config.forward_auth.trusted_proxies is missing: the addresses of the proxy's pods; nobody else may ask for decisions" -}}
{{- end -}}
{{- $auth := .Values.forwardAuth -}}
{{- if and (or $auth.ingressNginx.enabled $auth.traefik.enabled $auth.envoyGateway.enabled) (not $auth.hosts) -}}
{{- fail "forwardAuth.hosts is missing: the hosts of the apps, whose /.gatehouse/ must come here" -}}
{{- end -}}
{{- if and $auth.envoyGateway.enabled (not $auth.envoyGateway.gateway.name) -}}
{{- fail "forwardAuth.envoyGateway.gateway.name is missing: the Gateway that the apps hang on" -}}
{{- end -}}
{{- end -}}

{{- define "gatehouse.check.sidecar" -}}
{{- if not .Values.sidecar.podSelector -}}
{{- fail "sidecar.podSelector is missing: the labels of the app's pods" -}}
{{- end -}}
{{- if eq (int .Values.sidecar.appPort) (int .Values.ports.http) -}}
{{- fail "sidecar.appPort and ports.http are the same port, and pods have one of each: move one of them" -}}
{{- end -}}
{{- end -}}

{{/* True where the chart itself has policy files to put into a ConfigMap. */}}
{{- define "gatehouse.hasOwnPolicies" -}}
{{- if or .Values.policies.inline .Values.policies.files (and (eq .Values.mode "sidecar") .Values.sidecar.from) -}}
true
{{- end -}}
{{- end -}}

{{/* Where policies come from: a path below /etc/gatehouse/policies, and the ConfigMap that is mounted there. */}}
{{- define "gatehouse.policySources" -}}
{{- if include "gatehouse.hasOwnPolicies" . }}
- { path: own, configMap: {{ include "gatehouse.fullname" . }}-policies }
{{- end }}
{{- range .Values.policies.configMaps }}
- { path: {{ printf "maps/%s" . }}, configMap: {{ . | quote }} }
{{- end }}
{{- with .Values.policies.git }}
{{- if .repository }}
- { path: {{ printf "git/current/%s" .path | trimSuffix "/" | quote }} }
{{- end }}
{{- end }}
{{- end -}}

{{/* gatehouse.yaml. */}}
{{- define "gatehouse.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $listen := dict "listen" (printf "%s:%d" .Values.listenAddress (int .Values.ports.http)) "admin_listen" (printf "%s:%d" .Values.listenAddress (int .Values.ports.admin)) -}}
{{- $server := merge $listen (default dict $config.server) (dict "drain_delay" "5s") -}}
{{- if .Values.tls -}}
{{- $pairs := list -}}
{{- range .Values.tls -}}
{{- $pairs = append $pairs (dict "cert" (printf "/etc/gatehouse/tls/%s/tls.crt" .) "key" (printf "/etc/gatehouse/tls/%s/tls.key" .)) -}}
{{- end -}}
{{- $_ := set $server "tls" $pairs -}}
{{- end -}}
{{- $_ := set $config "server" $server -}}
{{- $_ := set $config "session" (merge (dict "store" (include "gatehouse.store" .)) (default dict $config.session)) -}}
{{- $roots := list -}}
{{- range include "gatehouse.policySources" . | fromYamlArray -}}
{{- $roots = append $roots (printf "/etc/gatehouse/policies/%s" .path) -}}
{{- end -}}
{{- $_ := set $config "policies" $roots -}}
{{- toYaml $config -}}
{{- end -}}

{{/* What takes effect only when a pod starts: a change of it starts new ones, all else goes live by itself. */}}
{{- define "gatehouse.restartStamp" -}}
{{- $server := default dict .Values.config.server -}}
{{- list (include "gatehouse.store" .) (toString $server.workers) (gt (len .Values.tls) 0) .Values.ports .Values.listenAddress | toJson | sha256sum | trunc 16 -}}
{{- end -}}
