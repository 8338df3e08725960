package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"text/template"

	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

//go:embed templates
var files embed.FS

// fragment is what a template renders to.
type fragment struct {
	Spec struct {
		Sidecars       []corev1.Container `json:"sidecars"`
		InitContainers []corev1.Container `json:"initContainers"`
		Volumes        []corev1.Volume    `json:"volumes"`
	} `json:"spec"`
	Container struct {
		Env          []corev1.EnvVar      `json:"env"`
		VolumeMounts []corev1.VolumeMount `json:"volumeMounts"`
	} `json:"container"`
	Metadata struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
}

// injector holds the templates and the values that they get unless a pod says otherwise.
type injector struct {
	templates *template.Template
	defaults  map[string]map[string]any
}

func newInjector() (*injector, error) {
	functions := template.FuncMap{
		"hasPrefix":  strings.HasPrefix,
		"trimPrefix": strings.TrimPrefix,
		"replaceAll": strings.ReplaceAll,
		"upper":      strings.ToUpper,
	}
	parsed, err := template.New("").Funcs(functions).Option("missingkey=error").ParseFS(files, "templates/*.tmpl")
	if err != nil {
		return nil, err
	}
	text, err := files.ReadFile("templates/values.yaml")
	if err != nil {
		return nil, err
	}
	made := &injector{templates: parsed}
	return made, yaml.Unmarshal(text, &made.defaults)
}

// review answers one AdmissionReview.
func (i *injector) review(body []byte) ([]byte, error) {
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil {
		return nil, fmt.Errorf("decode the review: %w", err)
	}
	patch, err := i.patch(review.Request)
	if err != nil {
		return nil, err
	}
	kind := admissionv1.PatchTypeJSONPatch
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true, Patch: patch, PatchType: &kind}
	review.Request = nil
	return json.Marshal(review)
}

// patch computes the operations between the pod and the pod that is wanted, as controller-runtime does.
func (i *injector) patch(request *admissionv1.AdmissionRequest) ([]byte, error) {
	var pod corev1.Pod
	if err := json.Unmarshal(request.Object.Raw, &pod); err != nil {
		return nil, fmt.Errorf("decode the pod: %w", err)
	}
	wanted, err := i.inject(&pod, request.Namespace)
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(wanted)
	if err != nil {
		return nil, fmt.Errorf("encode the pod: %w", err)
	}
	operations, err := jsonpatch.CreatePatch(request.Object.Raw, encoded)
	if err != nil {
		return nil, fmt.Errorf("compute the patch: %w", err)
	}
	return json.Marshal(operations)
}

// inject returns a copy of the pod with what the template that it asks for gives it.
func (i *injector) inject(pod *corev1.Pod, namespace string) (*corev1.Pod, error) {
	name := choose(pod)
	var text bytes.Buffer
	data := map[string]any{"pod": pod, "namespace": namespace, "values": i.values(name, pod)}
	if err := i.templates.ExecuteTemplate(&text, name+".tmpl", data); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	var found fragment
	if err := yaml.Unmarshal(text.Bytes(), &found); err != nil {
		return nil, fmt.Errorf("parse what was rendered: %w", err)
	}
	return merge(pod.DeepCopy(), &found), nil
}

// values returns the defaults of a template, overridden by the pod's annotations.
func (i *injector) values(name string, pod *corev1.Pod) map[string]any {
	values := maps.Clone(i.defaults[name])
	for key, text := range pod.Annotations {
		if parameter, ok := strings.CutPrefix(key, name+".pillion.dev/"); ok {
			values[parameter] = text
		}
	}
	return values
}

// choose returns the last template that the pod asks for, or else the agent.
func choose(pod *corev1.Pod) string {
	asked, ok := pod.Annotations["pillion.dev/templates"]
	if !ok {
		return "agent"
	}
	return asked[strings.LastIndex(asked, ", ")+2:]
}

func merge(pod *corev1.Pod, found *fragment) *corev1.Pod {
	spec := &pod.Spec
	spec.InitContainers = append(append(found.Spec.Sidecars, spec.InitContainers...), found.Spec.InitContainers...)
	spec.Volumes = append(spec.Volumes, found.Spec.Volumes...)
	for index := range spec.Containers {
		container := &spec.Containers[index]
		container.Env = append(container.Env, found.Container.Env...)
		container.VolumeMounts = append(container.VolumeMounts, found.Container.VolumeMounts...)
	}
	maps.Copy(pod.Labels, found.Metadata.Labels)
	maps.Copy(pod.Annotations, found.Metadata.Annotations)
	return pod
}
