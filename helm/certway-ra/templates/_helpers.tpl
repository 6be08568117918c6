{{- define "certway-ra.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "certway-ra.fullname" -}}
{{- $name := include "certway-ra.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "certway-ra.selectorLabels" -}}
app.kubernetes.io/name: {{ include "certway-ra.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: registration-authority
{{- end -}}

{{- define "certway-ra.labels" -}}
{{ include "certway-ra.selectorLabels" . }}
app.kubernetes.io/part-of: certway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "certway-ra.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "certway-ra.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "certway-ra.image" -}}
{{- $image := .Values.image -}}
{{- list .Values.imageRegistry .Values.imageNamespace $image.repository | compact | join "/" -}}
:{{ default .Chart.AppVersion $image.tag }}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "certway-ra.tlsSecret" -}}
{{- default (printf "%s-tls" (include "certway-ra.fullname" .)) .Values.tls.existingSecret -}}
{{- end -}}

{{/* What the values decide of the configuration. Paths start at the folder of its file. */}}
{{- define "certway-ra.owned" -}}
listen:
  address: 0.0.0.0
  port: 8443
  client_auth: {{ .Values.clientAuth }}
  tls:
    keystore: ../tls/tls.crt
    key: ../tls/tls.key
  client_ca:
    truststore: ../client-ca/{{ .Values.clientCa.key }}
  {{- if .Values.cmp.enabled }}
  cmp:
    address: 0.0.0.0
    port: 8080
  {{- end }}
admin:
  address: 0.0.0.0
  port: 9464
journal:
  {{- $postgresql := .Values.journal.postgresql }}
  {{- if eq .Values.journal.kind "sqlite" }}
  url: sqlite:///var/lib/certway/journal.db
  {{- else }}
  url: {{ printf "postgres://%s@%s:%d/%s" $postgresql.user $postgresql.host (int $postgresql.port) $postgresql.database }}
  password:
    file: ../database/password/{{ $postgresql.passwordKey }}
  tls:
    mode: {{ $postgresql.tlsMode }}
    {{- if $postgresql.rootsSecret }}
    roots: ../database/roots/{{ $postgresql.rootsKey }}
    {{- end }}
  {{- end }}
{{- end -}}

{{- define "certway-ra.config" -}}
{{- mergeOverwrite (deepCopy .Values.config) (include "certway-ra.owned" . | fromYaml) | toJson -}}
{{- end -}}

{{/* A table of TOML: its own keys, then the tables below. Helm's toToml would write whole numbers as fractions. */}}
{{- define "certway-ra.table" -}}
{{- $path := .path -}}
{{- range $name, $value := .table -}}
{{- if not (or (kindIs "map" $value) (kindIs "invalid" $value)) }}
{{ include "certway-ra.key" $name }} = {{ include "certway-ra.value" $value }}
{{- end -}}
{{- end -}}
{{- range $name, $value := .table -}}
{{- if kindIs "map" $value -}}
{{- $here := append $path (include "certway-ra.key" $name) }}

[{{ join "." $here }}]
{{- include "certway-ra.table" (dict "path" $here "table" $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "certway-ra.key" -}}
{{- if regexMatch "^[A-Za-z0-9_-]+$" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end -}}

{{- define "certway-ra.value" -}}
{{- if kindIs "float64" . -}}
{{- int64 . -}}
{{- else if kindIs "slice" . -}}
[{{ range $index, $one := . }}{{ if $index }}, {{ end }}{{ include "certway-ra.value" $one }}{{ end }}]
{{- else if kindIs "map" . -}}
{ {{- range $index, $name := keys . | sortAlpha }}{{ if $index }},{{ end }} {{ include "certway-ra.key" $name }} = {{ include "certway-ra.value" (index $ $name) }}{{ end }} }
{{- else -}}
{{- toJson . -}}
{{- end -}}
{{- end -}}
