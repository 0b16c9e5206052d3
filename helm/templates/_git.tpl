{{/* git-sync: fetches once before Gatehouse starts, then goes on beside it; a link is swapped when a commit is there whole. */}}
{{- define "gatehouse.gitContainer" -}}
{{- $git := .root.Values.policies.git -}}
name: {{ .name }}
image: {{ include "gatehouse.image" (dict "image" $git.image "tag" "") | quote }}
imagePullPolicy: {{ $git.image.pullPolicy }}
args:
  - --repo={{ $git.repository }}
  - --ref={{ $git.ref }}
  - --root=/git
  - --link=current
  - --depth=1
  - --submodules=off
  {{- if .once }}
  - --one-time
  {{- else }}
  - --period={{ $git.period }}
  - --max-failures=-1
  {{- end }}
  {{- if $git.ssh.secret }}
  - --ssh-key-file=/etc/git-secret/{{ $git.ssh.key }}
  - --ssh-known-hosts-file=/etc/git-secret/{{ $git.ssh.knownHostsKey }}
  {{- end }}
  {{- if $git.token.secret }}
  - --username={{ $git.token.username }}
  - --password-file=/etc/git-secret/{{ $git.token.key }}
  {{- end }}
resources:
  {{- toYaml $git.resources | nindent 2 }}
securityContext:
  {{- /* The user that its image knows: ssh refuses to run as one that is not in /etc/passwd. */}}
  {{- include "gatehouse.securityContext" 65533 | nindent 2 }}
volumeMounts:
  - { name: gatehouse-git, mountPath: /git }
  - { name: gatehouse-git-tmp, mountPath: /tmp }
  {{- if or $git.ssh.secret $git.token.secret }}
  - { name: gatehouse-git-secret, mountPath: /etc/git-secret, readOnly: true }
  {{- end }}
{{- end -}}

{{- define "gatehouse.gitVolumes" -}}
{{- $git := .Values.policies.git -}}
- name: gatehouse-git
  emptyDir: { sizeLimit: 256Mi }
- name: gatehouse-git-tmp
  emptyDir: { sizeLimit: 64Mi }
{{- with $git.ssh.secret | default $git.token.secret }}
- name: gatehouse-git-secret
  secret: { secretName: {{ . | quote }}, defaultMode: 0440 }
{{- end }}
{{- end -}}
