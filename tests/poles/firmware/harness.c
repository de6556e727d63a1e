/* The firmware's inside, driven line by line from a test: commands on the input, answers on the output, "." ends each. */
#include "beichen_pole.c"

#include <stdlib.h>

static beichen_pole pole;
static double clock_is_off_by_s;
static char line[2 * BEICHEN_MESSAGE + 4096];
static uint8_t bytes[BEICHEN_MESSAGE + 1024];

static size_t from_hex(const char *text) {
    size_t length = 0;
    for (unsigned value; length < sizeof bytes && sscanf(text + 2 * length, "%2x", &value) == 1; length++)
        bytes[length] = (uint8_t)value;
    return length;
}

static double utc_s(void *user) {
    struct timespec now;
    (void)user;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9 + clock_is_off_by_s;
}

static beichen_outcome on_command(void *user, beichen_pole *same, const beichen_command *command, beichen_words *why) {
    static const char *const NAMES[] = {"level", "pattern"};
    double level = 0.0;
    char pattern[BEICHEN_NAME];
    (void)user, (void)same;
    printf("command %s %s %s\n", command->id, command->function, command->action);
    beichen_text(&command->parameters, "pattern", pattern, sizeof pattern);
    if (strcmp(command->action, "begin") == 0) return BEICHEN_BEGUN;
    if (beichen_only(&command->parameters, NAMES, 2) && beichen_number(&command->parameters, "level", 0, 100, &level))
        return BEICHEN_DONE;
    beichen_because(why, "pole.action.parameters", "no", "否");
    return BEICHEN_REFUSED;
}

static bool on_desired(void *user, beichen_pole *same, const char *function, uint64_t version,
                       const beichen_reader *settings, beichen_words *why) {
    double level;
    (void)user, (void)same, (void)function, (void)version;
    if (beichen_number(settings, "level", 0, 100, &level)) return true;
    beichen_because(why, "pole.settings.malformed", "no", "否");
    return false;
}

static void in_force(void *user, const char *function, beichen_writer *writer) {
    (void)user, (void)function;
    beichen_write_map(writer, 1);
    beichen_write_str(writer, "level");
    beichen_write_double(writer, 40.0);
}

static void on_correction(void *user, const char *stream, uint64_t number, double at_s, const beichen_reader *frames) {
    beichen_reader reader = *frames;
    beichen_item item;
    (void)user, (void)at_s;
    while (beichen_read(&reader, &item)) printf("frame %s %" PRIu64 " %u\n", stream, number, (unsigned)item.count);
}

/* What waits, oldest first, and what commands were answered. */
static void dump(void) {
    for (size_t i = 0; i < pole.count; i++) {
        beichen_entry entry = *held_at(&pole, i);
        record found;
        bool ok = read_entry(&pole, &entry, &found);
        printf("held %016" PRIx64 " %" PRIu64 " %d ", entry.boot, entry.seq, ok ? entry.kind : -1);
        if (ok) {
            printf("%a %a ", found.at_s, found.taken_s);
            for (size_t k = 0; k < found.length; k++) printf("%02x", pole.record[HEAD + k]);
        }
        printf("\n");
    }
    for (size_t i = 0; i < BEICHEN_ANSWERS; i++)
        if (pole.answers[i].state != FREE)
            printf("answer %s %d %s\n", pole.answers[i].id, pole.answers[i].state, pole.answers[i].words.code);
}

static void power_cut(void) {
    if (pole.socket != NULL) zmq_close(pole.socket);
    pole.socket = NULL;
    if (pole.context != NULL) zmq_ctx_term(pole.context);
    if (pole.ring.file >= 0) close(pole.ring.file);
    pole.context = NULL, pole.ring.file = -1;
}

int main(void) {
    static const beichen_gateway gateway = {"tcp://127.0.0.1:9", "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"};
    static beichen_function functions[] = {{"WindSensor", 60.0, false, 0}, {"LampActuator", 60.0, true, 3}};
    static char path[1024];
    static beichen_config config = {
        .code = "410105-LP-000001", .firmware = "test/1", .lat_deg = 34.75, .lon_deg = 113.6, .functions = functions,
        .function_count = 2, .keys = {"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"},
        .gateways = &gateway, .gateway_count = 1, .utc_s = utc_s, .command = on_command, .desired = on_desired,
        .settings = in_force, .correction = on_correction};
    heard said;
    pole.ring.file = -1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = strchr(line, ' ');
        unsigned pages = 64;
        rest = rest == NULL ? line + strlen(line) : rest + 1;
        if (strncmp(line, "open ", 5) == 0) {
            power_cut();
            config.ring_path = sscanf(rest, "%1000s %u", path, &pages) >= 1 && path[0] == '/' ? path : NULL;
            config.ring_pages = pages;
            printf("%d %s\n", beichen_start(&pole, &config), pole.boot_name);
        } else if (strncmp(line, "silent ", 7) == 0) {
            functions[1].has_settings = false; /* so a start writes nothing */
        } else if (strncmp(line, "wear ", 5) == 0) { /* the ring can only be read from now on, or be written again */
            int other = open(path, *rest == '1' ? O_RDONLY : O_RDWR);
            dup2(other, pole.ring.file);
            close(other);
        } else if (strncmp(line, "work ", 5) == 0) { /* a second later */
            pole.sync_due_s = 0.0, pole.open_due_s = INFINITY;
            work(&pole, monotonic_s());
        } else if (strncmp(line, "connect ", 8) == 0) { /* to nobody; the rest is the promised heartbeat */
            if (pole.socket != NULL) close_connection(&pole, monotonic_s());
            pole.heartbeat_s = strtod(rest, NULL);
            open_connection(&pole, monotonic_s());
            work(&pole, monotonic_s());
        } else if (strncmp(line, "dead ", 5) == 0) { /* in how many seconds the connection is */
            work(&pole, monotonic_s());
            printf("%.3f\n", dead_s(&pole) - monotonic_s());
        } else if (strncmp(line, "back ", 5) == 0) { /* in how many seconds the next one is opened */
            work(&pole, monotonic_s());
            printf("%.3f\n", pole.open_due_s - monotonic_s());
        } else if (strncmp(line, "capacity ", 9) == 0) {
            config.capacity = (size_t)strtoul(rest, NULL, 10);
        } else if (strncmp(line, "hear ", 5) == 0) {
            size_t length = from_hex(rest);
            memcpy(pole.in, bytes, length < sizeof pole.in ? length : sizeof pole.in);
            bool ok = understand(pole.in, length, &said);
            if (ok) take(&pole, &said, monotonic_s());
            printf("%d\n", ok);
        } else if (strncmp(line, "values ", 7) == 0) {
            size_t length = from_hex(rest);
            beichen_writer values = {bytes, sizeof bytes, length, false};
            printf("%d\n", beichen_reading(&pole, "WindSensor", &values, BEICHEN_GOOD));
        } else if (strncmp(line, "log ", 4) == 0) {
            size_t length = from_hex(rest);
            bytes[length] = 0;
            printf("%d\n", beichen_log(&pole, BEICHEN_INFO, (const char *)bytes));
        } else if (strncmp(line, "alarm ", 6) == 0) {
            printf("%d\n", beichen_alarm(&pole, "pole.tilt", true, NULL, NULL));
        } else if (strncmp(line, "last ", 5) == 0) {
            pole.last_seq = strtoull(rest, NULL, 10);
        } else if (strncmp(line, "clock ", 6) == 0) {
            clock_is_off_by_s = strtod(rest, NULL);
        } else if (strncmp(line, "time ", 5) == 0) {
            double now_s = monotonic_s();
            take_time(&pole, now_s - 0.01, utc_s(NULL) - clock_is_off_by_s, utc_s(NULL) - clock_is_off_by_s, now_s);
            tell_troubles(&pole);
            printf("%.3f %.3f\n", beichen_utc_s(&pole), utc_s(NULL) - clock_is_off_by_s);
        } else if (strncmp(line, "dump ", 5) == 0) {
            dump();
        } else if (strncmp(line, "stop ", 5) == 0) {
            beichen_stop(&pole, "shutdown", 0.0);
        }
        printf(".\n");
        fflush(stdout);
    }
    power_cut();
    return 0;
}
