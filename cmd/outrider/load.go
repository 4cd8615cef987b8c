package main

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// loadConfig puts the settings together: defaults < file < environment <
// command line. The error is a configError that names the setting and where it
// was set.
func loadConfig(commandLine *pflag.FlagSet, environ []string) (*Config, error) {
	cfg := defaultConfig()
	settings := cfg.flags()
	path, err := configPath(commandLine, environ)
	if err != nil {
		return nil, err
	}
	if path != "" {
		if err := loadFile(settings, path); err != nil {
			return nil, configError{fmt.Errorf("%s: %w", path, err)}
		}
	}
	if err := loadEnvironment(settings, environ); err != nil {
		return nil, configError{err}
	}
	if err := loadFlags(settings, commandLine); err != nil {
		return nil, configError{err}
	}
	if err := cfg.validate(); err != nil {
		return nil, configError{err}
	}
	return cfg, nil
}

// configPath is the one setting that a file cannot have.
func configPath(commandLine *pflag.FlagSet, environ []string) (string, error) {
	path, err := commandLine.GetString("config")
	if err != nil {
		return "", usageError{err}
	}
	if path != "" || commandLine.Changed("config") {
		return path, nil
	}
	return lookup(environ, envPrefix+"CONFIG"), nil
}

func lookup(environ []string, name string) (value string) {
	for _, entry := range environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}

func loadFile(settings *pflag.FlagSet, path string) error {
	layer := koanf.New(".")
	if err := layer.Load(file.Provider(path), yaml.Parser()); err != nil {
		return err
	}
	return apply(settings, layer, func(key string) string { return key })
}

const envPrefix = "OUTRIDER_"

// serviceLinks are variables that a Kubernetes service of the name outrider
// puts into every container beside it. They are not settings.
var serviceLinks = regexp.MustCompile(`^OUTRIDER_(SERVICE_(HOST|PORT)|PORT($|_\d+_))`)

// loadEnvironment takes OUTRIDER_PING_INTERVAL for ping-interval and so on,
// lists with commas; and PORT, which the old server read.
func loadEnvironment(settings *pflag.FlagSet, environ []string) error {
	variables := make(map[string]string)
	layer := koanf.New(".")
	err := layer.Load(env.Provider("", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if value == "" || name == envPrefix+"CONFIG" || serviceLinks.MatchString(name) {
				return "", nil // an empty variable is how a compose file leaves one out
			}
			key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, envPrefix), "_", "-"))
			if key == "api-keys" { // the plural reads better for a list
				key = "api-key"
			}
			variables[key] = name
			return key, value
		},
	}), nil)
	if err != nil {
		return err
	}
	if port := lookup(environ, "PORT"); port != "" && !layer.Exists("listen") {
		if err := setPort(settings, port); err != nil {
			return fmt.Errorf("PORT: %w", err)
		}
	}
	return apply(settings, layer, func(key string) string { return variables[key] })
}

// setPort keeps the host that listen has so far.
func setPort(settings *pflag.FlagSet, port string) error {
	listen := settings.Lookup("listen")
	host, _, err := net.SplitHostPort(listen.Value.String())
	if err != nil {
		return err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is not a port", port)
	}
	return listen.Value.Set(net.JoinHostPort(host, port))
}

// loadFlags takes what the command line says; what it does not say is not its
// business.
func loadFlags(settings, commandLine *pflag.FlagSet) error {
	layer := koanf.New(".")
	err := layer.Load(posflag.ProviderWithFlag(commandLine, ".", layer, func(f *pflag.Flag) (string, any) {
		if !f.Changed || settings.Lookup(f.Name) == nil {
			return "", nil
		}
		return f.Name, posflag.FlagVal(commandLine, f)
	}), nil)
	if err != nil {
		return err
	}
	return apply(settings, layer, func(key string) string { return "--" + key })
}

// apply sets what a layer says, over what the layers below said. origin is
// what the layer calls a key: the name in the error is the one that the
// operator wrote.
func apply(settings *pflag.FlagSet, layer *koanf.Koanf, origin func(key string) string) error {
	for _, key := range slices.Sorted(slices.Values(layer.Keys())) {
		setting := settings.Lookup(key)
		if setting == nil {
			return fmt.Errorf("unknown setting %s", origin(key))
		}
		if err := set(setting, layer.Get(key)); err != nil {
			return fmt.Errorf("%s: %w", origin(key), err)
		}
	}
	return nil
}

// set gives a setting a value of the type that it has, or a text that reads as
// one. Texts are never made of numbers: YAML would have taken the zeros off
// the front of a key.
func set(setting *pflag.Flag, value any) error {
	list, isList := setting.Value.(pflag.SliceValue)
	text, isText := value.(string)
	switch {
	case isList && isText:
		return list.Replace(split(text))
	case isList:
		return replace(list, value)
	case isText:
	case setting.Value.Type() == "string":
		return fmt.Errorf("must be a text, is %v (quote it)", value)
	default:
		text = fmt.Sprint(value)
	}
	if err := setting.Value.Set(text); err != nil {
		return fmt.Errorf("must be %s, is %q", kindOf(setting), text)
	}
	return nil
}

func replace(list pflag.SliceValue, value any) error {
	if texts, ok := value.([]string); ok {
		return list.Replace(texts)
	}
	values, ok := value.([]any)
	if !ok {
		return fmt.Errorf("must be a list of texts, is %v", value)
	}
	texts := make([]string, len(values))
	for i, v := range values {
		if texts[i], ok = v.(string); !ok {
			return fmt.Errorf("must be a list of texts, has %v (quote it)", v)
		}
	}
	return list.Replace(texts)
}

// split reads a list that is one text; an empty one is an empty list.
func split(text string) []string {
	if strings.TrimSpace(text) == "" {
		return []string{}
	}
	values := strings.Split(text, ",")
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return values
}

func kindOf(setting *pflag.Flag) string {
	switch setting.Value.Type() {
	case "duration":
		return "a duration like 25s"
	case "int":
		return "a whole number"
	case "bool":
		return "true or false"
	}
	return "a " + setting.Value.Type()
}
