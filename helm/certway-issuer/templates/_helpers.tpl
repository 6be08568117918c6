{{- define "certway-issuer.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "certway-issuer.fullname" -}}
{{- $name := include "certway-issuer.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "certway-issuer.selectorLabels" -}}
app.kubernetes.io/name: {{ include "certway-issuer.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: issuer
{{- end -}}

{{- define "certway-issuer.labels" -}}
{{ include "certway-issuer.selectorLabels" . }}
app.kubernetes.io/part-of: certway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "certway-issuer.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "certway-issuer.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "certway-issuer.image" -}}
{{- $image := .Values.image -}}
{{- list .Values.imageRegistry .Values.imageNamespace $image.repository | compact | join "/" -}}
:{{ default .Chart.AppVersion $image.tag }}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "certway-issuer.leaseName" -}}
{{- default (include "certway-issuer.fullname" .) .Values.leaderElection.leaseName -}}
{{- end -}}

{{- define "certway-issuer.clusterResourceNamespace" -}}
{{- default .Release.Namespace .Values.clusterResourceNamespace -}}
{{- end -}}

{{/* Namespaces whose Secrets issuers point to, as JSON. */}}
{{- define "certway-issuer.credentialNamespaces" -}}
{{- $own := .Values.watchNamespaces | default (list (include "certway-issuer.clusterResourceNamespace" .)) -}}
{{- concat $own .Values.credentialNamespaces | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* Signer names of every issuer of ours, with what may stand for any of them. */}}
{{- define "certway-issuer.signers" -}}
- issuers.certway.dev/*
- clusterissuers.certway.dev/*
{{- if .Values.onap.enabled }}
- cmpv2issuers.certmanager.onap.org/*
{{- end }}
{{- end -}}

{{- define "certway-issuer.subject" -}}
- kind: ServiceAccount
  name: {{ include "certway-issuer.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* A Role bound to our ServiceAccount: context, namespace, name and rules. */}}
{{- define "certway-issuer.boundRole" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "certway-issuer.labels" .context | nindent 4 }}
rules:
  {{- .rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  labels:
    {{- include "certway-issuer.labels" .context | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  {{- include "certway-issuer.subject" .context | nindent 2 }}
{{- end -}}
