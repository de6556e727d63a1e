/*
 * A whole pole on beichen_pole.h: a simulated anemometer and a simulated lamp, told what it needs by the environment
 * variables of §13.3 of docs/poles-protocol.md. It runs until SIGTERM or SIGINT, then says bye and ends.
 * BEICHEN_FADE_S makes the lamp take so many seconds for each override, to show commands that take time.
 */
#define _POSIX_C_SOURCE 200809L

#include "beichen_pole.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ENROL_WITHIN_S 60.0
#define RING_PAGES 256 /* 1 MiB */

typedef struct {
    double default_level, level, wanted;
    bool is_landing, is_overridden;
    char command[BEICHEN_NAME]; /* that is being carried out, empty: none */
    double begun_s, fade_s;
} lamp;

static beichen_pole pole;
static volatile sig_atomic_t is_told_to_end;

static void on_signal(int number) {
    (void)number;
    is_told_to_end = 1;
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static const char *variable(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value != NULL && *value != 0 ? value : otherwise;
}

static double seconds_of(const char *name, double otherwise) {
    const char *value = variable(name, NULL);
    return value == NULL ? otherwise : strtod(value, NULL);
}

/* ---- the lamp --------------------------------------------------------------------------------------------------- */

static void report_lamp(const lamp *light) {
    uint8_t memory[128];
    beichen_writer values;
    beichen_write_into(&values, memory, sizeof memory);
    beichen_write_map(&values, 3);
    beichen_write_str(&values, "actualLightState");
    beichen_write_double(&values, light->level);
    beichen_write_str(&values, "pattern");
    beichen_write_str(&values, light->is_landing ? "landing" : "steady");
    beichen_write_str(&values, "overridden");
    beichen_write_bool(&values, light->is_overridden);
    beichen_reading(&pole, "LampActuator", &values, BEICHEN_GOOD);
}

/* A parameter that is absent or nil is not given; false: it is there and wrong. */
static bool is_given(const beichen_reader *parameters, const char *name, bool *given) {
    beichen_reader value;
    beichen_item item;
    *given = beichen_find(parameters, name, &value) && beichen_read(&value, &item) && item.kind != BEICHEN_NIL;
    return *given;
}

/* Parameters of `override`: a level, a pattern, both, or none of them for "back to the program" (§6.6). */
static bool read_override(const beichen_reader *parameters, lamp *light) {
    static const char *const NAMES[] = {"level", "pattern"};
    bool has_level, has_pattern;
    char pattern[16] = "steady";
    double level = 100.0;
    if (!beichen_only(parameters, NAMES, 2)) return false;
    if (is_given(parameters, "level", &has_level) && !beichen_number(parameters, "level", 0.0, 100.0, &level))
        return false;
    if (is_given(parameters, "pattern", &has_pattern) && !beichen_text(parameters, "pattern", pattern, sizeof pattern))
        return false;
    if (strcmp(pattern, "steady") != 0 && strcmp(pattern, "landing") != 0) return false;
    light->is_overridden = has_level || has_pattern;
    light->is_landing = strcmp(pattern, "landing") == 0;
    light->wanted = light->is_overridden ? level : light->default_level;
    return true;
}

static beichen_outcome on_command(void *user, beichen_pole *same, const beichen_command *command, beichen_words *why) {
    lamp *light = user;
    (void)same;
    if (strcmp(command->function, "LampActuator") != 0 || strcmp(command->action, "override") != 0) {
        beichen_because(why, "pole.action.unknown", "the function cannot do that", "该功能不支持此动作");
        return BEICHEN_REFUSED;
    }
    if (light->command[0] != 0) {
        beichen_because(why, "pole.command.busy", "the lamp is still fading", "灯具仍在调光");
        return BEICHEN_REFUSED;
    }
    if (!read_override(&command->parameters, light)) {
        beichen_because(why, "pole.action.parameters", "level is 0 to 100, pattern is steady or landing",
                        "level 为 0 至 100，pattern 为 steady 或 landing");
        return BEICHEN_REFUSED;
    }
    printf("override %s\n", command->id);
    if (light->fade_s > 0.0) {
        snprintf(light->command, sizeof light->command, "%s", command->id);
        light->begun_s = now_s();
        return BEICHEN_BEGUN;
    }
    light->level = light->wanted;
    report_lamp(light);
    return BEICHEN_DONE;
}

static void fade(lamp *light) {
    double share = (now_s() - light->begun_s) / light->fade_s;
    if (light->command[0] == 0) return;
    if (share < 1.0) {
        beichen_progress(&pole, light->command, share, "fading", "正在调光");
        return;
    }
    light->level = light->wanted;
    beichen_result(&pole, light->command, NULL);
    light->command[0] = 0;
    report_lamp(light);
}

static bool on_desired(void *user, beichen_pole *same, const char *function, uint64_t version,
                       const beichen_reader *settings, beichen_words *why) {
    static const char *const NAMES[] = {"defaultLightState"};
    lamp *light = user;
    double level = 0.0; /* the default */
    beichen_reader value;
    (void)same, (void)function, (void)version;
    bool is_there = beichen_find(settings, NAMES[0], &value);
    if (!beichen_only(settings, NAMES, 1) ||
        (is_there && !beichen_number(settings, NAMES[0], 0.0, 100.0, &level))) {
        beichen_because(why, "pole.settings.malformed", "defaultLightState is 0 to 100, there is nothing else",
                        "仅支持 defaultLightState，取值 0 至 100");
        return false;
    }
    light->default_level = level;
    if (!light->is_overridden && light->command[0] == 0) light->level = light->wanted = level;
    return true;
}

static void in_force(void *user, const char *function, beichen_writer *writer) {
    const lamp *light = user;
    (void)function;
    beichen_write_map(writer, 1);
    beichen_write_str(writer, "defaultLightState");
    beichen_write_double(writer, light->default_level);
}

/* ---- the anemometer --------------------------------------------------------------------------------------------- */

static void report_wind(double at_s) {
    uint8_t memory[128];
    beichen_writer values;
    beichen_write_into(&values, memory, sizeof memory);
    beichen_write_map(&values, 2);
    beichen_write_str(&values, "windSpeed");
    beichen_write_double(&values, 4.0 + 2.0 * sin(at_s / 60.0));
    beichen_write_str(&values, "windDirection");
    beichen_write_double(&values, 180.0 + 90.0 * sin(at_s / 300.0));
    beichen_reading(&pole, "WindSensor", &values, BEICHEN_GOOD);
}

/* ---- keys and gateways ------------------------------------------------------------------------------------------ */

/* The gateways that the desk told, one on a line: key and address. */
static bool load_gateways(const char *path, beichen_gateway *gateways, size_t *count) {
    FILE *file = fopen(path, "r");
    if (file == NULL) return false;
    for (*count = 0; *count < BEICHEN_GATEWAYS; (*count)++)
        if (fscanf(file, "%40s %255s", gateways[*count].public_key, gateways[*count].address) != 2) break;
    fclose(file);
    return *count > 0;
}

static bool save_gateways(const char *path, const beichen_gateway *gateways, size_t count) {
    char fresh[1024];
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh) return false;
    FILE *file = fopen(fresh, "w");
    if (file == NULL) return false;
    for (size_t i = 0; i < count; i++) fprintf(file, "%s %s\n", gateways[i].public_key, gateways[i].address);
    bool ok = fflush(file) == 0 && fsync(fileno(file)) == 0;
    return fclose(file) == 0 && ok && rename(fresh, path) == 0;
}

/* Enrolled already, or now: `gateways` are then known. */
static bool enrolled(const char *code, const char *key_file, beichen_keys *keys, beichen_gateway *gateways,
                     size_t *count) {
    char path[1024];
    beichen_gateway desk = {"", ""};
    beichen_words words = {"", "", ""};
    snprintf(path, sizeof path, "%s.gateways", key_file);
    if (load_gateways(path, gateways, count)) return true;
    snprintf(desk.address, sizeof desk.address, "%s", variable("BEICHEN_DESK", ""));
    snprintf(desk.public_key, sizeof desk.public_key, "%s", variable("BEICHEN_DESK_KEY", ""));
    beichen_status status = beichen_enrol(&desk, keys, code, variable("BEICHEN_TOKEN", ""), ENROL_WITHIN_S, gateways,
                                          count, &words);
    if (status != BEICHEN_OK) fprintf(stderr, "enrolment: %s %s %s\n", beichen_says(status), words.code, words.en);
    return status == BEICHEN_OK && save_gateways(path, gateways, *count);
}

static bool read_keys(const char *path, beichen_keys *keys) {
    beichen_status status = beichen_load_keys(path, keys);
    if (status == BEICHEN_FILE && errno == ENOENT && variable("BEICHEN_DESK", NULL) != NULL)
        status = beichen_make_keys(path, keys);
    if (status != BEICHEN_OK) fprintf(stderr, "%s: %s\n", path, beichen_says(status));
    return status == BEICHEN_OK;
}

/* ---- the pole --------------------------------------------------------------------------------------------------- */

static void live(lamp *light, double every_s) {
    double wind_due_s = now_s(), lamp_due_s = wind_due_s;
    while (!is_told_to_end) {
        double at_s = now_s();
        if (at_s >= wind_due_s) report_wind(at_s), wind_due_s = at_s + every_s;
        if (at_s >= lamp_due_s) report_lamp(light), lamp_due_s = at_s + every_s;
        fade(light);
        beichen_poll(&pole, fmin(fmin(wind_due_s, lamp_due_s) - at_s, light->command[0] != 0 ? 0.1 : 0.5));
    }
}

int main(void) {
    static beichen_gateway gateways[BEICHEN_GATEWAYS];
    static lamp light;
    double every_s = seconds_of("BEICHEN_REPORT_S", 10.0);
    beichen_function functions[] = {{"WindSensor", 1.25 * every_s, false, 0},
                                    {"LampActuator", 1.25 * every_s, true, 0}};
    const char *key_file = variable("BEICHEN_KEY_FILE", "pole.key"), *endpoint = variable("BEICHEN_ENDPOINT", NULL);
    beichen_config config = {
        .code = variable("BEICHEN_CODE", ""), .firmware = "beichen-c/1", .lat_deg = 34.75, .lon_deg = 113.62,
        .functions = functions, .function_count = 2, .heartbeat_s = seconds_of("BEICHEN_HEARTBEAT_S", 6.25),
        .gateways = gateways, .gateway_count = 1, .ring_path = variable("BEICHEN_RING", NULL),
        .ring_pages = RING_PAGES, .capacity = (size_t)seconds_of("BEICHEN_CAPACITY", 0.0), .command = on_command,
        .desired = on_desired, .settings = in_force, .user = &light};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    light.fade_s = seconds_of("BEICHEN_FADE_S", 0.0);
    if (!read_keys(key_file, &config.keys)) return 1;
    if (endpoint != NULL) {
        snprintf(gateways[0].address, sizeof gateways[0].address, "%s", endpoint);
        snprintf(gateways[0].public_key, sizeof gateways[0].public_key, "%s", variable("BEICHEN_SERVER_KEY", ""));
    } else if (!enrolled(config.code, key_file, &config.keys, gateways, &config.gateway_count)) {
        return 1;
    }
    beichen_status status = beichen_start(&pole, &config);
    if (status != BEICHEN_OK) {
        fprintf(stderr, "start: %s\n", beichen_says(status));
        return 1;
    }
    beichen_log(&pole, BEICHEN_INFO, "started");
    live(&light, every_s);
    beichen_stop(&pole, "shutdown", 0.0);
    return 0;
}
