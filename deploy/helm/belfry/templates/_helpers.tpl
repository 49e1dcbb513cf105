{{- define "belfry.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "belfry.selector" -}}
app.kubernetes.io/name: belfry
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "belfry.labels" -}}
{{ include "belfry.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "belfry.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ $tag }}
{{- end -}}
{{- end -}}

{{/* What every process may do: nothing but its work. */}}
{{- define "belfry.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "belfry.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The database, the keys, and the settings of the values. */}}
{{- define "belfry.env" -}}
- name: DATABASE_URL_FILE
  value: /etc/belfry/database/url
- name: BELFRY_ENCRYPTION_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secret.name }}
      key: {{ .Values.secret.encryptionKeyKey }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "belfry.mounts" -}}
- name: database
  mountPath: /etc/belfry/database
  readOnly: true
{{- if .Values.databaseCA.secretName }}
- name: database-ca
  mountPath: /etc/belfry/ca
  readOnly: true
{{- end }}
{{- end -}}

{{- define "belfry.volumes" -}}
- name: database
  secret:
    secretName: {{ .Values.secret.name }}
    defaultMode: 0440
    items:
      - key: {{ .Values.secret.databaseUrlKey }}
        path: url
{{- if .Values.databaseCA.secretName }}
- name: database-ca
  secret:
    secretName: {{ .Values.databaseCA.secretName }}
    defaultMode: 0440
    items:
      - key: {{ .Values.databaseCA.key }}
        path: ca.crt
{{- end }}
{{- end -}}

{{/* A Deployment of servers of one role: a dict with root, role, replicas and resources. */}}
{{- define "belfry.deployment" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "belfry.name" $root }}{{ if ne .role "all" }}-{{ .role }}{{ end }}
  labels:
    {{- include "belfry.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  replicas: {{ .replicas }}
  # A server is new for half a minute: by then it has its share of the shards, and the next one
  # may be replaced.
  minReadySeconds: 30
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels:
      {{- include "belfry.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .role }}
  template:
    metadata:
      labels:
        {{- with $v.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- include "belfry.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .role }}
      {{- with $v.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- with $v.serviceAccountName }}
      serviceAccountName: {{ . }}
      {{- end }}
      {{- with $v.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      # The pause before the stop, the grace for calls in flight, and 15 s to record and to give up.
      terminationGracePeriodSeconds: {{ add $v.preStopSeconds $v.shutdownGraceSeconds 15 }}
      securityContext:
        {{- include "belfry.podSecurity" $root | nindent 8 }}
      containers:
        - name: belfry
          image: {{ include "belfry.image" $root }}
          imagePullPolicy: {{ $v.image.pullPolicy }}
          args: [serve]
          ports:
            - name: http
              containerPort: 3000
          env:
            - name: HOST
              value: 0.0.0.0
            - name: PORT
              value: "3000"
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
            - name: BELFRY_NODE_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: BELFRY_ADVERTISE
              value: {{ $v.advertise | quote }}
            - name: BELFRY_ROLE
              value: {{ .role }}
            - name: BELFRY_SHUTDOWN_GRACE
              value: {{ printf "%ds" (int $v.shutdownGraceSeconds) }}
            - name: BELFRY_API_KEYS
              valueFrom:
                secretKeyRef:
                  name: {{ $v.secret.name }}
                  key: {{ $v.secret.apiKeysKey }}
            {{- with $v.secret.signingSecretKey }}
            - name: BELFRY_SIGNING_SECRET
              valueFrom:
                secretKeyRef:
                  name: {{ $v.secret.name }}
                  key: {{ . }}
            {{- end }}
            {{- include "belfry.env" $root | nindent 12 }}
          startupProbe: # a start may wait for another server that changes the tables
            httpGet: {path: /healthz, port: http}
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 150
          livenessProbe:
            httpGet: {path: /healthz, port: http}
            periodSeconds: 10
            timeoutSeconds: 3
            failureThreshold: 3
          readinessProbe:
            httpGet: {path: /readyz, port: http}
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 2
          {{- if gt (int $v.preStopSeconds) 0 }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ $v.preStopSeconds }}
          {{- end }}
          {{- with .resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          securityContext:
            {{- include "belfry.containerSecurity" $root | nindent 12 }}
          volumeMounts:
            {{- include "belfry.mounts" $root | nindent 12 }}
      volumes:
        {{- include "belfry.volumes" $root | nindent 8 }}
      topologySpreadConstraints:
        {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: {{ $v.topologySpread.whenUnsatisfiable }}
          labelSelector:
            matchLabels:
              {{- include "belfry.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ $.role }}
          matchLabelKeys: [pod-template-hash]
        {{- end }}
      {{- with $v.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}

{{/* A PodDisruptionBudget for the servers of one role: a dict with root and role. */}}
{{- define "belfry.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "belfry.name" .root }}{{ if ne .role "all" }}-{{ .role }}{{ end }}
  labels:
    {{- include "belfry.labels" .root | nindent 4 }}
spec:
  maxUnavailable: {{ .root.Values.podDisruptionBudget.maxUnavailable }}
  # One that is not ready, because the database is away, is in nobody's way.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "belfry.selector" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .role }}
{{- end -}}
