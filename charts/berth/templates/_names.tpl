{{/* What is put into the holes of the manifests: src/cli/install/holes.ts has the same for `berth install`. */}}

{{- define "berth.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "berth.args" -}}
{{- with .logLevel }}
- {{ printf "--log-level=%s" . | toJson }}
{{- end }}
{{- range $name, $value := .process.flags }}
{{- if not (kindIs "invalid" $value) }}
- {{ printf "--%s=%s" $name (kindIs "string" $value | ternary $value (toJson $value)) | toJson }}
{{- end }}
{{- end }}
{{- range .process.extraArgs }}
- {{ toJson . }}
{{- end }}
{{- end -}}

{{- define "berth.managerArgs" -}}
{{- include "berth.args" (dict "logLevel" .Values.logLevel "process" .Values.manager) -}}
{{- end -}}

{{- define "berth.syncerArgs" -}}
{{- include "berth.args" (dict "logLevel" .Values.logLevel "process" .Values.syncer) -}}
{{- end -}}

{{- define "berth.vnAgentArgs" -}}
{{- include "berth.args" (dict "logLevel" .Values.logLevel "process" .Values.vnAgent) -}}
{{- end -}}

{{- define "berth.apiArgs" -}}
{{- include "berth.args" (dict "logLevel" .Values.logLevel "process" .Values.api) -}}
{{- end -}}

{{- define "berth.workerArgs" -}}
{{- include "berth.args" (dict "logLevel" .Values.logLevel "process" .Values.worker) -}}
{{- end -}}

{{- define "berth.superEnv" -}}
{{- if eq .Values.side "management" -}}
- {name: BERTH_SUPER_KUBECONFIG, value: /etc/berth/super/kubeconfig}
{{- end -}}
{{- end -}}

{{- define "berth.superMounts" -}}
{{- if eq .Values.side "management" -}}
- {name: super, mountPath: /etc/berth/super, readOnly: true}
{{- end -}}
{{- end -}}

{{- define "berth.managerSuperVolumes" -}}
{{- if eq .Values.side "management" -}}
- {name: super, secret: {secretName: {{ .Values.superKubeconfig.managerSecret | toJson }}}}
{{- end -}}
{{- end -}}

{{- define "berth.syncerSuperVolumes" -}}
{{- if eq .Values.side "management" -}}
- {name: super, secret: {secretName: {{ .Values.superKubeconfig.syncerSecret | toJson }}}}
{{- end -}}
{{- end -}}

{{- define "berth.viaEnv" -}}
{{- if ne .Values.vnAgent.via "api" -}}
- {name: BERTH_AGENT_VIA, value: {{ .Values.vnAgent.via | toJson }}}
{{- end -}}
{{- end -}}
