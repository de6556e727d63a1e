/* See beichen_pole.h. In here: texts, MessagePack, keys, ring, entries, clock, saying, orders, hearing, the pole. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "beichen_pole.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define PAGE 4096U
#define HEAD BEICHEN_RECORD_HEAD
#define DEPTH 8 /* of maps and arrays in each other (§3.7) */
#define MAX_SEQ ((uint64_t)INT64_MAX)
#define MAX_UTC_S 4102444800.0
#define MAX_S 1e9
#define MAX_TEXT 1024
#define IN_MEMORY ((uint64_t)1 << 63)

static const double HELLO_AGAIN_S = 2.0, HELLO_SELDOM_S = 60.0, SEND_AGAIN_S = 5.0, SEND_SELDOM_S = 40.0,
                    BLOCKED_S = 0.1, SYNC_S = 1.0, TIME_FIRST_S = 64.0, TIME_SELDOM_S = 1024.0, WRONG_S = 1.0,
                    RETRY_S = 0.25, RETRY_FIRST_S = 1.0, RETRY_MAX_S = 30.0, HEARTBEAT_S = 6.25, FIRST_WORD_S = 15.0,
                    BACK_MAX_S = 86400.0,
                    PROMISED = 1.25,   /* what is promised every so many seconds comes a little more often */
                    DRIFT_SPS = 50e-6; /* how fast a pole's quartz runs away, at worst */
static const uint32_t WINDOW = 32, MARK_EVERY = 256, IN_ONE_REPORT = 32, REPORT_BYTES = 32768;

/* Kinds of records (annex A); those of entries are also the types of their messages. */
enum { READING = 1, ALARM, OBSERVATION, REPORTED, LOG, HELLO, HEARTBEAT, ACCEPTED, PROGRESS, RESULT, CORRECTION,
       TIME_REQUEST, BYE, TYPES, MARK = 64, ANSWER = 65 };
static const char *const TYPE[TYPES] = {"", "report", "alarm", "observation", "reported", "log", "hello", "heartbeat",
                                        "accepted", "progress", "result", "correction", "time-request", "bye"};
enum { FREE, STARTING, BEGUN, ON_ITS_WAY, OVER }; /* states of a command */

const char *beichen_says(beichen_status status) {
    static const char *const WORDS[] = {"ok", "the configuration is not complete or out of range",
        "no controller would take this entry", "a file could not be used",
        "another process has the ring file: end it first", "others can use the key file: chmod 600",
        "this is not a key file", "libzmq cannot use this address or these keys", "the enrolment desk refused",
        "the enrolment desk did not answer"};
    return (size_t)status < sizeof WORDS / sizeof *WORDS ? WORDS[status] : "unknown";
}

/* ---- bytes, texts, numbers ------------------------------------------------------------------------------------- */

static void put_number(uint8_t *to, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t get_number(const uint8_t *from, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) value = value << 8 | from[i];
    return value;
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    return memcpy(&bits, &value, sizeof bits), bits;
}

static double double_of(uint64_t bits) {
    double value;
    return memcpy(&value, &bits, sizeof value), value;
}

/* CRC-32 of IEEE 802.3. */
static uint32_t crc32_of(uint32_t crc, const uint8_t *data, size_t length) {
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

/* How many bytes the UTF-8 character at the beginning takes; 0: there is none (RFC 3629). */
static size_t character(const uint8_t *text, size_t length) {
    if (length == 0) return 0;
    uint8_t first = text[0];
    size_t bytes = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (bytes == 0 || bytes > length) return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    if ((first == 0xE0 && text[1] < 0xA0) || (first == 0xED && text[1] > 0x9F)) return 0;
    if ((first == 0xF0 && text[1] < 0x90) || (first == 0xF4 && text[1] > 0x8F)) return 0;
    return bytes;
}

/* Whether it is UTF-8 of so many characters. */
static bool is_text(const void *text, size_t length, size_t least, size_t most) {
    size_t characters = 0;
    for (size_t at = 0, bytes; at < length; at += bytes, characters++)
        if ((bytes = character((const uint8_t *)text + at, length - at)) == 0) return false;
    return characters >= least && characters <= most;
}

static bool is_name(const char *text) { return text != NULL && is_text(text, strlen(text), 1, 64); }

/* Copy as many whole characters as fit. */
static void copy_text(char *to, size_t room, const void *from, size_t length) {
    size_t done = 0;
    for (size_t bytes; (bytes = character((const uint8_t *)from + done, length - done)) > 0 && done + bytes < room;)
        done += bytes;
    memcpy(to, from, done);
    to[done] = 0;
}

void beichen_because(beichen_words *words, const char *code, const char *en, const char *zh) {
    copy_text(words->code, sizeof words->code, code, strlen(code));
    copy_text(words->en, sizeof words->en, en, strlen(en));
    copy_text(words->zh, sizeof words->zh, zh, strlen(zh));
}

/* Into a range; what is not a number becomes its lower end. */
static double clamped(double value, double lowest, double highest) {
    return !(value > lowest) ? lowest : value > highest ? highest : value;
}

/* 64 bits that differ from pole to pole (xorshift64*); the system's source of chance is the seed. */
static uint64_t by_chance(beichen_pole *pole) {
    pole->chance ^= pole->chance >> 12, pole->chance ^= pole->chance << 25, pole->chance ^= pole->chance >> 27;
    return pole->chance * 2685821657736338717U;
}

static double chance_between(beichen_pole *pole, double lowest, double highest) {
    return lowest + (highest - lowest) * (double)(by_chance(pole) >> 11) * 0x1p-53;
}

static double monotonic_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- MessagePack ----------------------------------------------------------------------------------------------- */

void beichen_write_into(beichen_writer *writer, void *memory, size_t bytes) {
    *writer = (beichen_writer){memory, bytes, 0, false};
}

static void write_bytes(beichen_writer *writer, const void *bytes, size_t length) {
    writer->failed = writer->failed || length > writer->room - writer->length;
    if (writer->failed || length == 0) return;
    memcpy(writer->data + writer->length, bytes, length);
    writer->length += length;
}

/* A tag and a big-endian number behind it. */
static void write_head(beichen_writer *writer, unsigned tag, uint64_t value, unsigned bytes) {
    uint8_t head[9] = {(uint8_t)tag};
    put_number(head + 1, value, bytes);
    write_bytes(writer, head, 1 + bytes);
}

void beichen_write_nil(beichen_writer *writer) { write_head(writer, 0xC0, 0, 0); }
void beichen_write_bool(beichen_writer *writer, bool value) { write_head(writer, value ? 0xC3 : 0xC2, 0, 0); }
void beichen_write_double(beichen_writer *writer, double value) { write_head(writer, 0xCB, bits_of(value), 8); }

void beichen_write_uint(beichen_writer *writer, uint64_t value) {
    if (value < 0x80) write_head(writer, (unsigned)value, 0, 0);
    else if (value <= UINT8_MAX) write_head(writer, 0xCC, value, 1);
    else if (value <= UINT16_MAX) write_head(writer, 0xCD, value, 2);
    else if (value <= UINT32_MAX) write_head(writer, 0xCE, value, 4);
    else write_head(writer, 0xCF, value, 8);
}

void beichen_write_int(beichen_writer *writer, int64_t value) {
    if (value >= 0) beichen_write_uint(writer, (uint64_t)value);
    else if (value >= -32) write_head(writer, (uint8_t)value, 0, 0);
    else write_head(writer, 0xD3, (uint64_t)value, 8);
}

/* A head whose count stands in the tag when it is below `few`, else in so many bytes behind the tag of that size. */
static void write_counted(beichen_writer *writer, unsigned tag, unsigned few, unsigned tag8, unsigned tag16,
                          size_t count) {
    if (count < few) write_head(writer, tag | (unsigned)count, 0, 0);
    else if (tag8 != 0 && count <= UINT8_MAX) write_head(writer, tag8, count, 1);
    else if (count <= UINT16_MAX) write_head(writer, tag16, count, 2);
    else write_head(writer, tag16 + 1, count, 4);
}

void beichen_write_array(beichen_writer *writer, uint32_t count) { write_counted(writer, 0x90, 16, 0, 0xDC, count); }
void beichen_write_map(beichen_writer *writer, uint32_t count) { write_counted(writer, 0x80, 16, 0, 0xDE, count); }

static void write_text(beichen_writer *writer, const char *text, size_t length) {
    write_counted(writer, 0xA0, 32, 0xD9, 0xDA, length);
    write_bytes(writer, text, length);
}

void beichen_write_str(beichen_writer *writer, const char *text) { write_text(writer, text, strlen(text)); }

void beichen_write_bin(beichen_writer *writer, const void *bytes, size_t length) {
    write_counted(writer, 0, 0, 0xC4, 0xC5, length);
    write_bytes(writer, bytes, length);
}

/* Fields of a map: "name:kind name:kind ..."; s text, u uint64_t, d double, b int (a truth), r a reader over the value
 * as it is, - nothing: the caller writes it. */
static void write_fields(beichen_writer *writer, const char *fields, va_list values) {
    for (const char *name = fields; *name != 0; name += name[0] == ' ') {
        size_t length = strcspn(name, ":");
        write_text(writer, name, length);
        char kind = name[length + 1];
        if (kind == 's') beichen_write_str(writer, va_arg(values, const char *));
        else if (kind == 'u') beichen_write_uint(writer, va_arg(values, uint64_t));
        else if (kind == 'd') beichen_write_double(writer, va_arg(values, double));
        else if (kind == 'b') beichen_write_bool(writer, va_arg(values, int) != 0);
        else if (kind == 'r') {
            const beichen_reader *raw = va_arg(values, const beichen_reader *);
            write_bytes(writer, raw->data + raw->at, raw->length - raw->at);
        }
        name += length + 2;
    }
}

static uint32_t fields_in(const char *fields) {
    uint32_t count = 0;
    for (; *fields != 0; fields++) count += *fields == ':';
    return count;
}

/* Fields into a map whose head is written already. */
static void write_more(beichen_writer *writer, const char *fields, ...) {
    va_list values;
    va_start(values, fields);
    write_fields(writer, fields, values);
    va_end(values);
}

/* A map of these fields and of `more` that are written behind them. */
static void write_map(beichen_writer *writer, uint32_t more, const char *fields, ...) {
    va_list values;
    beichen_write_map(writer, fields_in(fields) + more);
    va_start(values, fields);
    write_fields(writer, fields, values);
    va_end(values);
}

static bool take_number(beichen_reader *reader, unsigned bytes, uint64_t *value) {
    if (reader->length - reader->at < bytes) return false;
    *value = get_number(reader->data + reader->at, bytes);
    reader->at += bytes;
    return true;
}

static bool take_bytes(beichen_reader *reader, beichen_item *item, beichen_kind kind, uint64_t count) {
    if (count > reader->length - reader->at) return false;
    item->kind = kind, item->bytes = reader->data + reader->at, item->count = (uint32_t)count;
    reader->at += (size_t)count;
    return true;
}

/* A head: each item takes a byte at least, so a count that cannot be true is seen at once. */
static bool take_count(const beichen_reader *reader, beichen_item *item, beichen_kind kind, uint64_t count) {
    item->kind = kind, item->count = (uint32_t)count;
    return count * (kind == BEICHEN_MAP ? 2 : 1) <= reader->length - reader->at;
}

static bool take_integer(beichen_item *item, uint64_t value, bool is_negative) {
    item->kind = !is_negative && value > MAX_SEQ ? BEICHEN_UINT : BEICHEN_INT;
    item->large = value;
    item->whole = is_negative ? -(int64_t)(~value) - 1 : item->kind == BEICHEN_INT ? (int64_t)value : INT64_MAX;
    item->real = is_negative ? (double)item->whole : (double)value;
    return true;
}

static bool take_double(beichen_item *item, uint64_t bits, unsigned bytes) {
    uint32_t narrow = (uint32_t)bits;
    float single;
    memcpy(&single, &narrow, sizeof single);
    item->kind = BEICHEN_DOUBLE, item->real = bytes == 8 ? double_of(bits) : (double)single;
    return true;
}

static bool read_item(beichen_reader *reader, beichen_item *item) {
    /* how many bytes of number follow each tag from 0xC0 to 0xDF; 9: this tag does not exist */
    static const uint8_t BYTES[32] = {0, 9, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8,
                                      1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
    uint64_t tag, value = 0;
    memset(item, 0, sizeof *item);
    if (!take_number(reader, 1, &tag)) return false;
    if (tag < 0x80) return take_integer(item, tag, false);
    if (tag < 0x90) return take_count(reader, item, BEICHEN_MAP, tag & 15);
    if (tag < 0xA0) return take_count(reader, item, BEICHEN_ARRAY, tag & 15);
    if (tag < 0xC0) return take_bytes(reader, item, BEICHEN_STR, tag & 31);
    if (tag >= 0xE0) return take_integer(item, tag | ~(uint64_t)0xFF, true);
    if (tag >= 0xD4 && tag <= 0xD8) return take_bytes(reader, item, BEICHEN_EXT, 1 + ((uint64_t)1 << (tag - 0xD4)));
    unsigned bytes = BYTES[tag - 0xC0];
    if (bytes == 9 || !take_number(reader, bytes, &value)) return false;
    if (tag == 0xC0) return item->kind = BEICHEN_NIL, true;
    if (tag <= 0xC3) return item->kind = BEICHEN_BOOL, item->truth = tag == 0xC3, true;
    if (tag <= 0xC6) return take_bytes(reader, item, BEICHEN_BIN, value);
    if (tag <= 0xC9) return take_bytes(reader, item, BEICHEN_EXT, value + 1);
    if (tag <= 0xCB) return take_double(item, value, bytes);
    if (tag <= 0xCF) return take_integer(item, value, false);
    uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    if (tag <= 0xD3) return take_integer(item, value & sign ? value | ~(sign - 1) : value, (value & sign) != 0);
    if (tag <= 0xDB) return take_bytes(reader, item, BEICHEN_STR, value);
    return take_count(reader, item, tag <= 0xDD ? BEICHEN_ARRAY : BEICHEN_MAP, value);
}

bool beichen_read(beichen_reader *reader, beichen_item *item) {
    beichen_reader ahead = *reader;
    bool ok = read_item(&ahead, item);
    if (ok) *reader = ahead;
    return ok;
}

bool beichen_skip(beichen_reader *reader) {
    beichen_reader ahead = *reader;
    beichen_item item;
    for (uint64_t left = 1; left > 0; left--) { /* not recursive: depth costs nothing */
        if (!read_item(&ahead, &item)) return false;
        if (item.kind == BEICHEN_ARRAY || item.kind == BEICHEN_MAP)
            left += item.count * (item.kind == BEICHEN_MAP ? (uint64_t)2 : 1);
    }
    *reader = ahead;
    return true;
}

static bool is_word(const beichen_item *item, const char *word) {
    return item->count == strlen(word) && memcmp(item->bytes, word, item->count) == 0;
}

/* Pass the next name of a map: its bytes, and a reader over its value. */
static bool next_field(beichen_reader *map, beichen_item *name, beichen_reader *value) {
    if (!beichen_read(map, name) || name->kind != BEICHEN_STR) return false;
    size_t begin = map->at;
    if (!beichen_skip(map)) return false;
    *value = (beichen_reader){map->data + begin, map->at - begin, 0};
    return true;
}

/* Go to the first name of the map that `map` begins with; returns how many there are, 0 when it is no map. */
static uint32_t enter(const beichen_reader *map, beichen_reader *inside) {
    beichen_item head;
    *inside = (beichen_reader){map->data, map->length, 0};
    return beichen_read(inside, &head) && head.kind == BEICHEN_MAP ? head.count : 0;
}

bool beichen_find(const beichen_reader *map, const char *name, beichen_reader *value) {
    beichen_reader inside;
    beichen_item here;
    for (uint32_t left = enter(map, &inside); left > 0 && next_field(&inside, &here, value); left--)
        if (is_word(&here, name)) return true;
    return false;
}

bool beichen_only(const beichen_reader *map, const char *const names[], size_t count) {
    beichen_reader inside, value;
    beichen_item here;
    for (uint32_t left = enter(map, &inside); left > 0; left--) {
        size_t i = 0;
        if (!next_field(&inside, &here, &value)) return false;
        while (i < count && !is_word(&here, names[i])) i++;
        if (i == count) return false;
    }
    return true;
}

static bool is_number(const beichen_item *item, double lowest, double highest) {
    bool ok = item->kind == BEICHEN_INT || item->kind == BEICHEN_UINT || item->kind == BEICHEN_DOUBLE;
    return ok && item->real >= lowest && item->real <= highest;
}

static bool find_item(const beichen_reader *map, const char *name, beichen_item *item) {
    beichen_reader value;
    return beichen_find(map, name, &value) && beichen_read(&value, item);
}

bool beichen_number(const beichen_reader *map, const char *name, double lowest, double highest, double *value) {
    beichen_item item;
    bool ok = find_item(map, name, &item) && is_number(&item, lowest, highest);
    if (ok) *value = item.real;
    return ok;
}

bool beichen_text(const beichen_reader *map, const char *name, char *text, size_t room) {
    beichen_item item;
    if (!find_item(map, name, &item) || item.kind != BEICHEN_STR || item.count >= room) return false;
    if (memchr(item.bytes, 0, item.count) != NULL || !is_text(item.bytes, item.count, 0, room)) return false;
    copy_text(text, room, item.bytes, item.count);
    return true;
}

/* Whether the next item is of §3.6; goes no deeper than `depth`. */
static bool is_sound(beichen_reader *reader, int depth) {
    beichen_item item, key;
    if (!beichen_read(reader, &item) || item.kind == BEICHEN_EXT) return false;
    if (item.kind == BEICHEN_DOUBLE) return isfinite(item.real);
    if (item.kind == BEICHEN_STR) return is_text(item.bytes, item.count, 0, item.count);
    if (item.kind != BEICHEN_ARRAY && item.kind != BEICHEN_MAP) return true;
    for (uint32_t left = depth > 0 ? item.count : 0; left > 0; left--) {
        if (item.kind == BEICHEN_MAP && !(beichen_read(reader, &key) && key.kind == BEICHEN_STR &&
                                          is_text(key.bytes, key.count, 0, key.count)))
            return false;
        if (!is_sound(reader, depth - 1)) return false;
    }
    return depth > 0;
}

/* Whether these bytes are one sound open map, its own names of so many characters. */
static bool is_open_map(const beichen_reader *map, size_t shortest, size_t longest) {
    beichen_reader whole = {map->data, map->length, 0}, inside, value;
    beichen_item head, name;
    if (!is_sound(&whole, DEPTH) || whole.at != whole.length) return false;
    whole.at = 0;
    if (!beichen_read(&whole, &head) || head.kind != BEICHEN_MAP) return false;
    for (uint32_t left = enter(map, &inside); left > 0; left--)
        if (!next_field(&inside, &name, &value) || !is_text(name.bytes, name.count, shortest, longest)) return false;
    return true;
}

/* Whether the bytes are one map with texts as names, and nothing behind it. */
static bool is_whole_map(const uint8_t *body, size_t length, beichen_reader *map) {
    beichen_reader inside, value;
    beichen_item name;
    *map = (beichen_reader){body, length, 0};
    uint32_t left = enter(map, &inside);
    for (; left > 0 && next_field(&inside, &name, &value); left--) {}
    return left == 0 && inside.at == length && length > 0 && (body[0] >> 4 == 8 || body[0] >> 1 == 0xDE >> 1);
}

/* ---- keys, sockets, enrolment: §2, §12 ------------------------------------------------------------------------- */

static bool write_all(int file, const void *bytes, size_t length, off_t at) {
    for (const char *next = bytes; length > 0;) {
        ssize_t done = pwrite(file, next, length, at);
        if (done <= 0 && errno != EINTR) return false;
        if (done > 0) next += done, at += done, length -= (size_t)done;
    }
    return true;
}

/* Make a new name in a folder outlive a power cut. */
static bool sync_folder(const char *path) {
    char folder[1024] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL) snprintf(folder, sizeof folder, "%.*s", (int)(slash - path) + 1, path);
    int file = open(folder, O_RDONLY | O_CLOEXEC);
    bool ok = file >= 0 && fsync(file) == 0;
    if (file >= 0) close(file);
    return ok;
}

static void wipe(void *secret, size_t length) {
    for (volatile uint8_t *byte = secret; length > 0; length--) *byte++ = 0;
}

beichen_status beichen_make_keys(const char *path, beichen_keys *keys) {
    char text[160];
    if (!zmq_has("curve") || zmq_curve_keypair(keys->public_key, keys->secret_key) != 0) return BEICHEN_NETWORK;
    snprintf(text, sizeof text, "public = \"%s\"\nsecret = \"%s\"\n", keys->public_key, keys->secret_key);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = file >= 0 && write_all(file, text, strlen(text), 0) && fsync(file) == 0;
    wipe(text, sizeof text);
    if (file >= 0) ok = close(file) == 0 && ok && sync_folder(path);
    return ok ? BEICHEN_OK : BEICHEN_FILE;
}

/* The 40 characters of `name = "..."`. */
static bool key_in(const char *text, const char *name, char key[BEICHEN_KEY]) {
    const char *value = strstr(text, name);
    if (value == NULL || sscanf(value + strlen(name), " = \"%40[^\"\n]", key) != 1) return false;
    return strlen(key) == 40;
}

beichen_status beichen_load_keys(const char *path, beichen_keys *keys) {
    char text[4096], derived[BEICHEN_KEY];
    struct stat about = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return BEICHEN_FILE;
    ssize_t length = fstat(file, &about) == 0 ? read(file, text, sizeof text - 1) : -1;
    close(file);
    if (length < 0) return BEICHEN_FILE;
    text[length] = 0;
    bool ok = key_in(text, "public", keys->public_key) && key_in(text, "secret", keys->secret_key);
    wipe(text, sizeof text);
    if (about.st_mode & 077) return BEICHEN_KEY_READABLE;
    ok = ok && zmq_curve_public(derived, keys->secret_key) == 0 && strcmp(derived, keys->public_key) == 0;
    return ok ? BEICHEN_OK : BEICHEN_KEY_FILE;
}

/* A socket as §2 recommends; NULL: libzmq refuses. */
static void *connected_socket(void *context, const beichen_keys *keys, const beichen_gateway *gateway) {
    const int spread_ms = (keys->public_key[0] + 85 * keys->public_key[1]) % 400;
    const struct { int name, value; } OPTIONS[] = {
        {ZMQ_LINGER, 0}, {ZMQ_SNDHWM, 256}, {ZMQ_HEARTBEAT_IVL, 5000}, {ZMQ_HEARTBEAT_TIMEOUT, 15000},
        {ZMQ_RECONNECT_IVL, 200 + spread_ms}, {ZMQ_RECONNECT_IVL_MAX, 5000}};
    int64_t largest = BEICHEN_MESSAGE;
    void *socket = zmq_socket(context, ZMQ_DEALER);
    if (socket == NULL) return NULL;
    bool ok = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest) == 0;
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++)
        ok = ok && zmq_setsockopt(socket, OPTIONS[i].name, &OPTIONS[i].value, sizeof OPTIONS[i].value) == 0;
    ok = ok && zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, gateway->public_key, BEICHEN_KEY) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, BEICHEN_KEY) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, BEICHEN_KEY) == 0 &&
         zmq_connect(socket, gateway->address) == 0;
    if (!ok) zmq_close(socket);
    return ok ? socket : NULL;
}

/* The next body; 0: there is none now. What is too long for a message is dropped. */
static size_t receive(void *socket, uint8_t *body, size_t room) {
    int length;
    while ((length = zmq_recv(socket, body, room, ZMQ_DONTWAIT)) >= 0)
        if (length > 0 && (size_t)length <= room) return (size_t)length;
    return 0;
}

static void wait_for(void *socket, double for_s) {
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    zmq_poll(&item, socket != NULL, for_s > 0.0 ? (long)ceil(fmin(for_s, 3600.0) * 1e3) : 0);
}

/* A text of the map as far as there is room, empty when there is none. */
static void copy_field(const beichen_reader *map, const char *name, char *to, size_t room) {
    beichen_item item;
    bool ok = find_item(map, name, &item) && item.kind == BEICHEN_STR;
    copy_text(to, room, ok ? item.bytes : (const uint8_t *)"", ok ? item.count : 0);
}

static void hear_words(const beichen_reader *map, beichen_words *words) {
    copy_field(map, "code", words->code, sizeof words->code);
    copy_field(map, "en", words->en, sizeof words->en);
    copy_field(map, "zh", words->zh, sizeof words->zh);
}

/* The desk's answer; BEICHEN_SILENT: it is none. */
static beichen_status take_enrolled(const beichen_reader *map, const char *code, beichen_gateway *gateways,
                                    size_t *count, beichen_words *words) {
    char type[16], named[BEICHEN_NAME];
    beichen_reader list;
    beichen_item head;
    if (!beichen_text(map, "type", type, sizeof type)) return BEICHEN_SILENT;
    if (strcmp(type, "refusal") == 0) {
        if (words != NULL) hear_words(map, words);
        return BEICHEN_SAID_NO;
    }
    if (strcmp(type, "enrolled") != 0 || !beichen_text(map, "code", named, sizeof named) || strcmp(named, code) != 0 ||
        !beichen_find(map, "gateways", &list) || !beichen_read(&list, &head) || head.kind != BEICHEN_ARRAY)
        return BEICHEN_SILENT;
    for (*count = 0; head.count > 0 && *count < BEICHEN_GATEWAYS; head.count--) {
        beichen_reader one = {list.data + list.at, list.length - list.at, 0};
        beichen_gateway *here = &gateways[*count];
        *count += beichen_text(&one, "address", here->address, BEICHEN_ADDRESS) &&
                  beichen_text(&one, "public_key", here->public_key, BEICHEN_KEY) && strlen(here->public_key) == 40;
        if (!beichen_skip(&list)) break;
    }
    return *count > 0 ? BEICHEN_OK : BEICHEN_SILENT;
}

beichen_status beichen_enrol(const beichen_gateway *desk, const beichen_keys *keys, const char *code, const char *token,
                             double within_s, beichen_gateway *gateways, size_t *count, beichen_words *words) {
    uint8_t asked[1024], heard_bytes[16384];
    beichen_writer request;
    beichen_reader map;
    if (!is_name(code) || !is_name(token)) return BEICHEN_BAD_CONFIG;
    beichen_write_into(&request, asked, sizeof asked);
    write_map(&request, 0, "type:s version:u code:s token:s public_key:s", "enrol", (uint64_t)1, code, token,
              keys->public_key);
    void *context = zmq_ctx_new(), *socket = context == NULL ? NULL : connected_socket(context, keys, desk);
    beichen_status status = socket == NULL ? BEICHEN_NETWORK : BEICHEN_SILENT;
    double now_s = monotonic_s(), end_s = now_s + within_s, ask_s = now_s;
    for (; status == BEICHEN_SILENT && now_s < end_s; now_s = monotonic_s()) {
        if (now_s >= ask_s) zmq_send(socket, asked, request.length, ZMQ_DONTWAIT), ask_s = now_s + HELLO_AGAIN_S;
        wait_for(socket, fmin(ask_s, end_s) - now_s);
        size_t length = receive(socket, heard_bytes, sizeof heard_bytes);
        if (is_whole_map(heard_bytes, length, &map)) status = take_enrolled(&map, code, gateways, count, words);
    }
    if (socket != NULL) zmq_close(socket);
    if (context != NULL) zmq_ctx_term(context);
    return status;
}

/* ---- the ring: annex A ----------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t pages, position, boot, seq, bytes; /* bytes: of the record with its padding */
    double at_s, taken_s;
    size_t length; /* of the body, which stands in pole->record behind the head */
    uint8_t kind;
} record;

static uint64_t padded(size_t body) { return (HEAD + body + 7) / 8 * 8; }

static bool ring_read(const beichen_ring *ring, uint64_t offset, uint8_t *to, size_t length) {
    if (offset + length > ring->bytes) return false;
    if (ring->file < 0) return memcpy(to, ring->memory + offset, length), true;
    for (ssize_t done; length > 0; to += done, offset += (uint64_t)done, length -= (size_t)done)
        if ((done = pread(ring->file, to, length, (off_t)offset)) <= 0) return false;
    return true;
}

/* The record at this byte of the file, its body into pole->record; false: there is no whole one. */
static bool record_at(beichen_pole *pole, const beichen_ring *ring, uint64_t offset, record *found) {
    uint8_t *head = pole->record;
    if (!ring_read(ring, offset, head, HEAD) || memcmp(head, "BCR1", 4) != 0) return false;
    *found = (record){get_number(head + 4, 4), get_number(head + 8, 8), get_number(head + 16, 8),
                      get_number(head + 24, 8), 0, double_of(get_number(head + 32, 8)),
                      double_of(get_number(head + 40, 8)), (size_t)get_number(head + 48, 2), head[50]};
    uint64_t size = found->pages * PAGE;
    found->bytes = padded(found->length);
    if (size == 0 || found->position % size != offset || offset + HEAD + found->length > size) return false;
    if (found->length > BEICHEN_BODY || !ring_read(ring, offset + HEAD, head + HEAD, found->length)) return false;
    return get_number(head + 52, 4) == crc32_of(crc32_of(0, head, 52), head + HEAD, found->length);
}

/* The next whole record of the file from *offset on and below `end`; *offset becomes the byte behind it. */
static bool next_record(beichen_pole *pole, const beichen_ring *ring, uint64_t *offset, uint64_t end, record *found) {
    uint8_t *page = pole->in; /* nothing is heard while the ring is searched */
    for (uint64_t have = UINT64_MAX; *offset < end; *offset += 8) {
        uint64_t first = *offset / PAGE * PAGE, left = ring->bytes - first;
        if (first != have && !ring_read(ring, have = first, page, left < PAGE ? (size_t)left : PAGE))
            memset(page, 0, PAGE); /* what cannot be read counts as zeros */
        if (memcmp(page + *offset % PAGE, "BCR1", 4) != 0 || !record_at(pole, ring, *offset, found)) continue;
        *offset += found->bytes;
        return true;
    }
    return false;
}

/* Where a record goes: it is whole, so what is left of a lap may stay as it is. */
static uint64_t place_of(const beichen_ring *ring, uint64_t bytes) {
    uint64_t left = ring->bytes - ring->head % ring->bytes;
    return bytes <= left ? ring->head : ring->head + left;
}

static uint64_t floor_at(const beichen_ring *ring, uint64_t end) { return end > ring->bytes ? end - ring->bytes : 0; }

static beichen_entry *held_at(beichen_pole *pole, size_t index) {
    return &pole->held[(pole->first + index) % BEICHEN_HELD];
}

static void remove_held(beichen_pole *pole, size_t index, bool lost) {
    pole->dropped += lost && held_at(pole, index)->boot == pole->boot;
    for (size_t i = index; i > 0; i--) *held_at(pole, i) = *held_at(pole, i - 1);
    pole->first = (pole->first + 1) % BEICHEN_HELD, pole->count--;
    pole->sent -= index < pole->sent;
}

/* Entries of this ring below the floor are overwritten. */
static void drop_below(beichen_pole *pole, uint64_t in_memory, uint64_t floor) {
    for (size_t i = 0; i < pole->count;) {
        uint64_t place = held_at(pole, i)->place;
        if ((place & IN_MEMORY) != in_memory) i++;
        else if ((place & ~IN_MEMORY) >= floor) return;
        else remove_held(pole, i, true);
    }
}

/* Append the record whose body stands in pole->record; false: the flash fails. */
static bool append(beichen_pole *pole, beichen_ring *ring, const record *what, uint64_t *place) {
    uint8_t *head = pole->record;
    uint64_t bytes = padded(what->length), at = place_of(ring, bytes), offset = at % ring->bytes;
    const uint64_t numbers[] = {at, what->boot, what->seq, bits_of(what->at_s), bits_of(what->taken_s)};
    memcpy(head, "BCR1", 4);
    put_number(head + 4, ring->bytes / PAGE, 4);
    for (size_t i = 0; i < 5; i++) put_number(head + 8 + 8 * i, numbers[i], 8);
    put_number(head + 48, what->length, 2);
    head[50] = what->kind, head[51] = 0;
    put_number(head + 52, crc32_of(crc32_of(0, head, 52), head + HEAD, what->length), 4);
    memset(head + HEAD + what->length, 0, (size_t)bytes - HEAD - what->length);
    if (bytes > ring->bytes) return false;
    if (ring->file < 0) memcpy(ring->memory + offset, head, (size_t)bytes);
    else if ((pole->is_worn = !write_all(ring->file, head, (size_t)bytes, (off_t)offset)) == true)
        return pole->flash_error = errno, false;
    ring->head = at + bytes, *place = at;
    drop_below(pole, ring->file < 0 ? IN_MEMORY : 0, floor_at(ring, ring->head));
    return true;
}

static void sync_ring(beichen_pole *pole) {
    if (pole->ring.file >= 0 && fdatasync(pole->ring.file) != 0) pole->flash_error = errno;
    else if (!pole->is_worn) pole->flash_error = 0;
    pole->sync_due_s = INFINITY;
}

static uint64_t durable_of(const beichen_pole *pole, uint64_t boot) {
    size_t i = 0;
    while (i < pole->durable_count && pole->durable[i].boot != boot) i++;
    return i < pole->durable_count ? pole->durable[i].seq : 0;
}

static void set_durable(beichen_pole *pole, uint64_t boot, uint64_t seq) {
    size_t most = sizeof pole->durable / sizeof *pole->durable, i = 0;
    while (i < pole->durable_count && pole->durable[i].boot != boot) i++;
    if (i == most) memmove(pole->durable, pole->durable + 1, (--i) * sizeof *pole->durable), pole->durable_count--;
    if (i == pole->durable_count) pole->durable_count++, pole->durable[i].boot = boot;
    pole->durable[i].seq = seq;
}

/* Note in the ring what is acknowledged, unless that costs an entry. */
static void mark(beichen_pole *pole, uint64_t boot) {
    record what = {.kind = MARK, .boot = boot, .seq = durable_of(pole, boot)};
    if (pole->ring.file < 0 || what.seq == 0) return;
    uint64_t floor = floor_at(&pole->ring, place_of(&pole->ring, HEAD) + HEAD), place;
    for (size_t i = 0; i < pole->count; i++) {
        if (held_at(pole, i)->place < floor) return;
        if (!(held_at(pole, i)->place & IN_MEMORY)) break;
    }
    if (append(pole, &pole->ring, &what, &place)) pole->unmarked = 0;
}

/* ---- entries: §5 ----------------------------------------------------------------------------------------------- */

static size_t first_of(beichen_pole *pole, uint64_t boot) {
    size_t index = 0;
    while (index < pole->count && held_at(pole, index)->boot != boot) index++;
    return index;
}

static void remove_up_to(beichen_pole *pole, uint64_t boot, uint64_t seq) {
    size_t i = first_of(pole, boot);
    for (; i < pole->count && held_at(pole, i)->boot == boot && held_at(pole, i)->seq <= seq; pole->unmarked++)
        remove_held(pole, i, false);
}

/* The store has all entries of the boot up to this number; false: that is not news, or cannot be. */
static bool forget(beichen_pole *pole, uint64_t boot, uint64_t seq, bool is_welcome) {
    bool is_now = boot == pole->boot;
    uint64_t highest = is_now ? pole->last_seq : 0, before = durable_of(pole, boot);
    for (size_t i = first_of(pole, boot); !is_now && i < pole->count && held_at(pole, i)->boot == boot; i++)
        highest = held_at(pole, i)->seq;
    if (highest == 0 || (is_now && !is_welcome && (seq > highest || seq < before))) return false;
    if (seq > highest) seq = highest; /* of an earlier boot the store may have what a power cut took here (§5.11) */
    if (seq == before) return false;
    if (seq < before) pole->sent = 0; /* this store has less than another one acknowledged */
    set_durable(pole, boot, seq);
    remove_up_to(pole, boot, seq);
    if (pole->unmarked >= MARK_EVERY || (!is_now && first_of(pole, boot) == pole->count)) mark(pole, boot);
    return true;
}

static void hold(beichen_pole *pole, const record *what, uint64_t place) {
    size_t capacity = pole->config->capacity;
    if (capacity == 0 || capacity > BEICHEN_HELD) capacity = BEICHEN_HELD;
    while (pole->count >= capacity) remove_held(pole, 0, true);
    *held_at(pole, pole->count++) = (beichen_entry){what->boot, what->seq, place, what->kind};
}

static void begin_boot(beichen_pole *pole) {
    while ((pole->boot = by_chance(pole)) == 0) {}
    snprintf(pole->boot_name, sizeof pole->boot_name, "%016" PRIx64, pole->boot);
    pole->last_seq = pole->dropped = 0, pole->hello_due_s = 0.0, pole->is_welcome = false;
    set_durable(pole, pole->boot, 0);
}

/* Number the entry whose body stands in pole->record, and keep it. */
static beichen_status put(beichen_pole *pole, uint8_t kind, const beichen_writer *body, bool is_urgent) {
    uint64_t place = 0;
    double now_s = monotonic_s();
    if (body->failed) return BEICHEN_BAD_ENTRY;
    if (pole->last_seq == MAX_SEQ) begin_boot(pole);
    record what = {.boot = pole->boot, .seq = ++pole->last_seq, .at_s = beichen_utc_s(pole), .taken_s = now_s,
                   .length = body->length, .kind = kind};
    if (pole->ring.file < 0 || !append(pole, &pole->ring, &what, &place)) {
        append(pole, &pole->memory, &what, &place);
        place |= IN_MEMORY;
    }
    hold(pole, &what, place);
    if (pole->ring.file >= 0) pole->sync_due_s = fmin(pole->sync_due_s, is_urgent ? now_s : now_s + SYNC_S);
    return BEICHEN_OK;
}

/* A writer for the body of the next record. */
static beichen_writer body_of_record(beichen_pole *pole) {
    return (beichen_writer){pole->record + HEAD, BEICHEN_BODY, 0, false};
}

static bool read_entry(beichen_pole *pole, const beichen_entry *entry, record *found) {
    const beichen_ring *ring = entry->place & IN_MEMORY ? &pole->memory : &pole->ring;
    uint64_t place = entry->place & ~IN_MEMORY;
    return record_at(pole, ring, place % ring->bytes, found) && found->position == place && found->seq == entry->seq;
}

static void recall_answer(beichen_pole *pole, const record *found);

/* What earlier boots left, in the order in which it was written. */
static void recall(beichen_pole *pole, const record *found) {
    const beichen_entry *last = pole->count > 0 ? held_at(pole, pole->count - 1) : NULL;
    if (found->kind == MARK && found->seq > durable_of(pole, found->boot)) {
        set_durable(pole, found->boot, found->seq);
        remove_up_to(pole, found->boot, found->seq);
    } else if (found->kind == ANSWER) {
        recall_answer(pole, found);
    } else if (found->kind >= READING && found->kind <= LOG && found->seq > durable_of(pole, found->boot) &&
               (last == NULL || last->boot != found->boot || last->seq < found->seq)) {
        hold(pole, found, found->position);
    }
}

static bool open_ring(beichen_pole *pole, const char *path, uint32_t pages) {
    beichen_ring *ring = &pole->ring;
    struct stat about;
    record found;
    uint64_t size = (uint64_t)pages * PAGE, newest = 0, offset = 0;
    ring->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (ring->file < 0 || flock(ring->file, LOCK_EX | LOCK_NB) != 0 || fstat(ring->file, &about) != 0) return false;
    ring->bytes = (uint64_t)about.st_size;
    while (next_record(pole, ring, &offset, ring->bytes, &found))
        if (ring->head == 0 || found.position > newest)
            newest = found.position, ring->head = newest + found.bytes, size = found.pages * PAGE;
    if (size != ring->bytes && (ftruncate(ring->file, (off_t)size) != 0 ||
                                (errno = posix_fallocate(ring->file, 0, (off_t)size)) != 0 ||
                                fsync(ring->file) != 0 || !sync_folder(path)))
        return false;
    ring->bytes = size;
    uint64_t lap = ring->head % size;
    for (int part = 0; part < 2; part++) /* the older lap lies behind the head */
        for (offset = part == 0 ? lap : 0; next_record(pole, ring, &offset, part == 0 ? size : lap, &found);)
            if (found.pages * PAGE == size && found.position >= floor_at(ring, ring->head)) recall(pole, &found);
    return true;
}

/* ---- the clock: §8 --------------------------------------------------------------------------------------------- */

static double doubt_s(const beichen_pole *pole, double now_s) {
    return pole->error_s + DRIFT_SPS * (now_s - pole->set_s);
}

double beichen_utc_s(beichen_pole *pole) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double now_s = monotonic_s(), system_s = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    if (pole->config->utc_s != NULL) system_s = pole->config->utc_s(pole->config->user);
    if (pole->set_s == 0.0) pole->offset_s = system_s - now_s, pole->set_s = now_s;
    pole->wrong_by_s = system_s - now_s - pole->offset_s;
    pole->clock_wrong = !(fabs(pole->wrong_by_s) <= WRONG_S + doubt_s(pole, now_s));
    if (!pole->is_set && !pole->clock_wrong) pole->offset_s = system_s - now_s, pole->set_s = now_s;
    return pole->clock_wrong ? now_s + pole->offset_s : system_s;
}

/* Four stamps: asked and heard by the monotonic clock, received and sent by the gateway's. */
static void take_time(beichen_pole *pole, double asked_s, double received_s, double sent_s, double heard_s) {
    double error_s = ((heard_s - asked_s) - (sent_s - received_s)) / 2.0;
    double offset_s = ((received_s - asked_s) + (sent_s - heard_s)) / 2.0, before_s = doubt_s(pole, heard_s);
    if (sent_s < received_s || error_s < 0.0) return;
    if (pole->is_set) pole->time_every_s = fmin(2.0 * pole->time_every_s, TIME_SELDOM_S);
    bool was_set_anew = fabs(pole->offset_s - offset_s) > before_s + error_s + WRONG_S;
    if (pole->is_set && error_s > before_s && !was_set_anew) return; /* what is known is better */
    pole->offset_s = offset_s, pole->error_s = error_s, pole->set_s = heard_s, pole->is_set = true;
    beichen_utc_s(pole);
}

/* ---- saying ---------------------------------------------------------------------------------------------------- */

static bool send_out(beichen_pole *pole, int type, const beichen_writer *writer) {
    if (pole->socket == NULL || writer->failed || pole->muted >> type & 1) return false;
    if (zmq_send(pole->socket, writer->data, writer->length, ZMQ_DONTWAIT) < 0) return false;
    pole->said_s = monotonic_s();
    return true;
}

/* A message with its type, these fields, and `more` that are written behind them. */
static beichen_writer message(beichen_pole *pole, int type, uint32_t more, const char *fields, ...) {
    beichen_writer writer = {pole->out, sizeof pole->out, 0, false};
    va_list values;
    write_map(&writer, fields_in(fields) + more, "type:s", TYPE[type]);
    va_start(values, fields);
    write_fields(&writer, fields, values);
    va_end(values);
    return writer;
}

/* Note that something was said that a gateway answers (§4.6). */
static void ask(beichen_pole *pole, double now_s) {
    pole->asked_s = now_s, pole->asking_s = fmin(pole->asking_s, now_s);
}

static void say_hello(beichen_pole *pole, double now_s) {
    const beichen_config *config = pole->config;
    size_t first = first_of(pole, pole->boot);
    uint64_t after = first < pole->count ? held_at(pole, first)->seq - 1 : pole->last_seq;
    beichen_writer writer =
        message(pole, HELLO, 5, "version:u code:s boot:s firmware:s lat_deg:d lon_deg:d", (uint64_t)1, config->code,
                pole->boot_name, config->firmware, config->lat_deg, config->lon_deg);
    write_more(&writer, "heartbeat_s:d after:u unsent:u dropped:u functions:-", pole->heartbeat_s, after,
               (uint64_t)pole->count, pole->dropped);
    beichen_write_array(&writer, (uint32_t)config->function_count);
    for (const beichen_function *one = config->functions; one < config->functions + config->function_count; one++)
        write_map(&writer, 0, "function:s every_s:d", one->address, one->every_s);
    send_out(pole, HELLO, &writer);
    pole->said_s = now_s;
    ask(pole, now_s);
    if (pole->greeted_s < 0.0) pole->greeted_s = now_s;
    pole->hello_due_s = now_s + pole->hello_every_s;
}

/* The fields of the entry in pole->record behind `more` that are the message's; writes the map's head, too. */
static void write_entry(beichen_pole *pole, beichen_writer *writer, const record *found, const char *type,
                        const char *boot, uint64_t after, double now_s) {
    beichen_reader body = {pole->record + HEAD, found->length, 0};
    beichen_item head;
    bool is_now = found->boot == pole->boot;
    double utc_s = beichen_utc_s(pole), held_s = is_now ? now_s - found->taken_s : utc_s - found->at_s;
    double at_s = is_now && pole->is_set ? utc_s - held_s : found->at_s;
    if (!beichen_read(&body, &head) || head.kind != BEICHEN_MAP) writer->failed = true;
    beichen_write_map(writer, head.count + (type == NULL ? 3 : 6));
    if (type != NULL) write_more(writer, "type:s boot:s after:u", type, boot, after);
    write_more(writer, "seq:u at_s:d held_s:d", found->seq, clamped(at_s, 0.0, MAX_UTC_S), clamped(held_s, 0.0, MAX_S));
    write_bytes(writer, body.data + body.at, body.length - body.at);
}

/* Send the next message of entries. False: none waits, the window is full, or the socket is. */
static bool send_entries(beichen_pole *pole, double now_s) {
    char boot[17];
    size_t together = 0, bytes = 0, counted = 0, next;
    if (pole->count == 0 || pole->sent >= pole->count) return false;
    uint64_t number = held_at(pole, 0)->boot;
    uint64_t after = pole->sent > 0 ? held_at(pole, pole->sent - 1)->seq : durable_of(pole, number);
    snprintf(boot, sizeof boot, "%016" PRIx64, number);
    beichen_writer writer = message(pole, READING, 0, "boot:s after:u readings:-", boot, after);
    counted = writer.length;
    write_head(&writer, 0xDC, 0, 2);
    int type = READING;
    while ((next = pole->sent + together) < pole->count && next < pole->window && together < IN_ONE_REPORT) {
        beichen_entry entry = *held_at(pole, next);
        record found;
        if (entry.boot != number || (together > 0 && entry.kind != READING)) break;
        if (pole->muted >> entry.kind & 1 || !read_entry(pole, &entry, &found)) {
            remove_held(pole, next, true); /* nobody would take it (§9.3), or the flash has lost it */
            continue;
        }
        if (together > 0 && bytes + found.length > REPORT_BYTES) break;
        if (entry.kind != READING) beichen_write_into(&writer, pole->out, sizeof pole->out);
        type = entry.kind;
        write_entry(pole, &writer, &found, type == READING ? NULL : TYPE[type], boot, after, now_s);
        bytes += found.length, together++;
        if (type != READING) break;
    }
    if (together == 0) return false;
    if (type == READING) put_number(pole->out + counted + 1, together, 2);
    if (writer.failed) return remove_held(pole, pole->sent, true), true; /* it is no entry that could be sent */
    if (!send_out(pole, type, &writer)) return pole->blocked_s = now_s + BLOCKED_S, false;
    pole->sent += together;
    return true;
}

/* ---- commands: §6 ---------------------------------------------------------------------------------------------- */

static beichen_answer *answer_to(beichen_pole *pole, const char *id) {
    for (beichen_answer *here = pole->answers; here < pole->answers + BEICHEN_ANSWERS; here++)
        if (here->state != FREE && strcmp(here->id, id) == 0) return here;
    return NULL;
}

/* Room for an answer: a free place, or that of the oldest command that is over, and void before `expired_s`. */
static beichen_answer *new_answer(beichen_pole *pole, const char *id, double expires_s, double expired_s) {
    beichen_answer *oldest = NULL;
    for (beichen_answer *here = pole->answers; here < pole->answers + BEICHEN_ANSWERS; here++) {
        bool may_go = here->state == FREE || (here->state == OVER && here->expires_s < expired_s);
        if (may_go && (oldest == NULL || here->order < oldest->order)) oldest = here;
    }
    if (oldest == NULL) return NULL;
    *oldest = (beichen_answer){.state = STARTING, .expires_s = expires_s, .order = ++pole->answer_order};
    copy_text(oldest->id, sizeof oldest->id, id, strlen(id));
    return oldest;
}

/* The message that says how far a command is; returns its type. */
static int write_answer(beichen_writer *writer, const beichen_answer *answer) {
    const beichen_words *words = &answer->words;
    bool is_over = answer->state == OVER, is_ok = words->code[0] == 0;
    int type = is_over ? RESULT : answer->state == ON_ITS_WAY ? PROGRESS : ACCEPTED;
    write_map(writer, is_over ? (is_ok ? 1 : 4) : type == PROGRESS ? 3 : 0, "type:s id:s", TYPE[type], answer->id);
    if (is_over) write_more(writer, "ok:b", (int)is_ok);
    if (is_over && !is_ok) write_more(writer, "code:s en:s zh:s", words->code, words->en, words->zh);
    if (type == PROGRESS) write_more(writer, "share:d en:s zh:s", answer->share, words->en, words->zh);
    return type;
}

static void say_answer(beichen_pole *pole, const beichen_answer *answer) {
    beichen_writer writer = {pole->out, sizeof pole->out, 0, false};
    int type = write_answer(&writer, answer);
    if (pole->is_welcome && answer->state != STARTING) send_out(pole, type, &writer);
}

/* Remember an answer over a restart. */
static void keep_answer(beichen_pole *pole, const beichen_answer *answer) {
    uint64_t place;
    beichen_writer body = body_of_record(pole);
    write_answer(&body, answer);
    record what = {.boot = pole->boot, .at_s = answer->expires_s, .length = body.length, .kind = ANSWER};
    if (pole->ring.file >= 0 && append(pole, &pole->ring, &what, &place)) pole->sync_due_s = 0.0;
}

static void end_command(beichen_pole *pole, beichen_answer *answer, const beichen_words *why) {
    answer->state = OVER, answer->words = why == NULL ? (beichen_words){{0}, {0}, {0}} : *why;
    keep_answer(pole, answer);
    say_answer(pole, answer);
}

static void recall_answer(beichen_pole *pole, const record *found) {
    beichen_reader map;
    char id[BEICHEN_NAME], type[16];
    if (!is_whole_map(pole->record + HEAD, found->length, &map) || !beichen_text(&map, "id", id, sizeof id) ||
        !beichen_text(&map, "type", type, sizeof type))
        return;
    beichen_answer *answer = answer_to(pole, id);
    if (answer == NULL && (answer = new_answer(pole, id, found->at_s, INFINITY)) == NULL) return;
    answer->state = OVER;
    if (strcmp(type, TYPE[RESULT]) == 0) hear_words(&map, &answer->words);
    else beichen_because(&answer->words, "pole.command.interrupted", "the pole restarted while it carried this out",
                         "灯杆在执行该指令时重新启动");
}

static const beichen_function *function_of(const beichen_pole *pole, const char *address) {
    for (size_t i = 0; i < pole->config->function_count; i++)
        if (strcmp(pole->config->functions[i].address, address) == 0) return &pole->config->functions[i];
    return NULL;
}

/* Why a command may not begin now; false: it may. */
static bool may_not_begin(beichen_pole *pole, const beichen_command *command, beichen_words *why) {
    if (beichen_utc_s(pole) > command->expires_s)
        beichen_because(why, "pole.command.expired", "it came after its deadline by this pole's clock",
                        "按灯杆时钟，指令到达时已超过时限");
    else if (function_of(pole, command->function) == NULL)
        beichen_because(why, "pole.function.absent", "this pole has no such function", "该灯杆没有此功能");
    else if (pole->config->command == NULL)
        beichen_because(why, "pole.action.unknown", "this pole takes no commands", "该灯杆不接受指令");
    return why->code[0] != 0;
}

static void take_command(beichen_pole *pole, const beichen_command *command) {
    beichen_words why = {{0}, {0}, {0}};
    beichen_answer *answer = answer_to(pole, command->id), busy = {.state = OVER};
    if (answer != NULL) {
        say_answer(pole, answer);
        return;
    }
    answer = new_answer(pole, command->id, command->expires_s, beichen_utc_s(pole));
    if (answer == NULL) { /* so it cannot be remembered, and must not begin */
        copy_text(busy.id, sizeof busy.id, command->id, strlen(command->id));
        beichen_because(&busy.words, "pole.command.busy", "too many commands wait already", "等待中的指令过多");
        say_answer(pole, &busy);
        return;
    }
    bool is_refused = may_not_begin(pole, command, &why);
    if (!is_refused && pole->ring.file >= 0) {
        keep_answer(pole, answer);
        sync_ring(pole);
        is_refused = may_not_begin(pole, command, &why); /* a slow flash may have cost the time that was left */
    }
    beichen_outcome outcome =
        is_refused ? BEICHEN_REFUSED : pole->config->command(pole->config->user, pole, command, &why);
    if (answer->state == OVER) return; /* the callback told the result itself */
    if (outcome == BEICHEN_REFUSED && why.code[0] == 0) beichen_because(&why, "pole.action.unknown", "", "");
    if (outcome == BEICHEN_BEGUN) {
        answer->state = BEGUN;
        say_answer(pole, answer);
    } else end_command(pole, answer, outcome == BEICHEN_REFUSED ? &why : NULL);
}

void beichen_progress(beichen_pole *pole, const char *id, double share, const char *en, const char *zh) {
    beichen_answer *answer = answer_to(pole, id);
    double now_s = monotonic_s();
    if (answer == NULL || (answer->state != BEGUN && answer->state != ON_ITS_WAY)) return;
    if (answer->state == ON_ITS_WAY && now_s < answer->told_s + 1.0) return;
    answer->state = ON_ITS_WAY, answer->share = clamped(share, 0.0, 1.0), answer->told_s = now_s;
    beichen_because(&answer->words, "", en, zh);
    say_answer(pole, answer);
}

void beichen_result(beichen_pole *pole, const char *id, const beichen_words *why) {
    beichen_answer *answer = answer_to(pole, id);
    if (answer != NULL && answer->state != OVER) end_command(pole, answer, why);
}

/* ---- settings: §7 ---------------------------------------------------------------------------------------------- */

static beichen_judged *judged_of(beichen_pole *pole, const char *function) {
    size_t i = 0;
    while (i < pole->judged_count && strcmp(pole->judged[i].function, function) != 0) i++;
    if (i == sizeof pole->judged / sizeof *pole->judged) return NULL;
    if (i == pole->judged_count)
        copy_text(pole->judged[pole->judged_count++].function, BEICHEN_NAME, function, strlen(function));
    return &pole->judged[i];
}

static beichen_status tell_settings(beichen_pole *pole, beichen_judged *judged) {
    const beichen_function *function = function_of(pole, judged->function);
    const beichen_words *why = &judged->why;
    beichen_writer writer = body_of_record(pole);
    write_map(&writer, why->code[0] != 0 ? 4 : 1, "function:s version:u", judged->function, judged->version);
    if (why->code[0] != 0) write_more(&writer, "code:s en:s zh:s", why->code, why->en, why->zh);
    write_more(&writer, "settings:-");
    size_t begin = writer.length;
    if (function == NULL || !function->has_settings) beichen_write_map(&writer, 0);
    else pole->config->settings(pole->config->user, function->address, &writer);
    beichen_reader map = {writer.data + begin, writer.length - begin, 0};
    if (writer.failed || !is_open_map(&map, 1, 64)) return BEICHEN_BAD_ENTRY;
    beichen_status status = put(pole, REPORTED, &writer, false);
    judged->seq = pole->last_seq;
    return status;
}

static void take_desired(beichen_pole *pole, const char *name, uint64_t version, const beichen_reader *settings) {
    const beichen_function *function = function_of(pole, name);
    beichen_judged *judged = judged_of(pole, name);
    if (judged == NULL) return;
    if (version > judged->version) {
        beichen_words *why = memset(&judged->why, 0, sizeof judged->why);
        judged->version = version;
        if (function == NULL || !function->has_settings)
            beichen_because(why, "pole.settings.absent", "it has no settings on this pole", "该功能没有可设置项");
        else if (!pole->config->desired(pole->config->user, pole, name, version, settings, why) && why->code[0] == 0)
            beichen_because(why, "pole.settings.malformed", "", "");
        tell_settings(pole, judged);
    } else if (judged->seq <= durable_of(pole, pole->boot)) {
        tell_settings(pole, judged); /* it is in the store, and yet the controller asks */
    }
}

beichen_status beichen_settings_changed(beichen_pole *pole, const char *function) {
    beichen_judged *judged = is_name(function) ? judged_of(pole, function) : NULL;
    return judged == NULL ? BEICHEN_BAD_ENTRY : tell_settings(pole, judged);
}

/* ---- hearing: the messages to a pole (§11) --------------------------------------------------------------------- */

enum { WELCOME, ACK, ALIVE, COMMAND, DESIRED, CORRECTED, TIME, GONE, REFUSAL, HEARD };
static const char *const SAID[HEARD] = {"welcome", "ack", "heartbeat", "command", "desired", "correction", "time",
                                        "bye", "refusal"};

typedef struct {
    int what;
    uint64_t number, window; /* number: durable_seq, version or number */
    double first_s, second_s, third_s;
    beichen_item id, name, action;
    beichen_reader map;
} heard;

/* The fields of each message: kind (t text, w whole number not below 0, i any integer, d number, m open map with names
 * of so many characters, f frames, l list of integers), whether it must be there, its range, and where it goes. */
typedef struct {
    unsigned what; /* the messages that have it, a bit for each */
    char kind;
    bool required;
    const char *name;
    double lowest, highest;
    size_t to; /* 0: nobody needs it */
} rule;

#define IN(what) (1U << (what))
#define TO(member) offsetof(heard, member)
static const rule RULES[] = {
    {IN(WELCOME) | IN(ACK), 't', true, "boot", 1, 64, TO(name)},
    {IN(WELCOME) | IN(ACK), 'w', true, "durable_seq", 0, 0x1p63, TO(number)},
    {IN(WELCOME) | IN(ACK), 'w', true, "window", 1, 65536, TO(window)},
    {IN(WELCOME), 'd', true, "utc_s", 0, MAX_UTC_S, TO(first_s)}, {IN(WELCOME), 'i', true, "version", 0, 0, 0},
    {IN(COMMAND) | IN(DESIRED), 't', true, "function", 1, 64, TO(name)},
    {IN(COMMAND), 't', true, "id", 1, 64, TO(id)}, {IN(COMMAND), 't', true, "action", 1, 64, TO(action)},
    {IN(COMMAND), 'd', true, "expires_s", 0, MAX_UTC_S, TO(first_s)},
    {IN(COMMAND), 'm', true, "parameters", 0, BEICHEN_MESSAGE, TO(map)},
    {IN(DESIRED), 'w', true, "version", 0, 0x1p63, TO(number)}, {IN(DESIRED), 'm', true, "settings", 1, 64, TO(map)},
    {IN(CORRECTED), 't', true, "stream", 1, 64, TO(name)}, {IN(CORRECTED), 'w', true, "number", 0, 0x1p63, TO(number)},
    {IN(CORRECTED), 'f', true, "frames", 6, 1029, TO(map)},
    {IN(CORRECTED), 'd', true, "at_s", 0, MAX_UTC_S, TO(first_s)},
    {IN(TIME), 'd', true, "sent_s", 0, MAX_UTC_S, TO(third_s)},
    {IN(TIME), 'd', true, "pole_s", -DBL_MAX, DBL_MAX, TO(first_s)},
    {IN(TIME), 'd', true, "received_s", 0, MAX_UTC_S, TO(second_s)},
    {IN(GONE), 't', true, "why", 1, 64, 0}, {IN(GONE), 'd', false, "back_s", 0, MAX_S, TO(first_s)},
    {IN(REFUSAL), 't', true, "code", 1, 64, TO(id)}, {IN(REFUSAL), 't', false, "about", 0, MAX_TEXT, TO(name)},
    {IN(REFUSAL), 't', false, "en", 0, MAX_TEXT, 0}, {IN(REFUSAL), 't', false, "zh", 0, MAX_TEXT, 0},
    {IN(REFUSAL), 'l', false, "versions", 0, 0, 0},
};

static bool is_integer(const beichen_item *item) { return item->kind == BEICHEN_INT || item->kind == BEICHEN_UINT; }

/* Whether a list has only integers, or at most 16 frames of so many bytes. */
static bool is_list(beichen_reader list, const rule *asked) {
    beichen_item head, item;
    if (!beichen_read(&list, &head) || head.kind != BEICHEN_ARRAY) return false;
    if (asked->kind == 'f' && head.count > 16) return false;
    for (; head.count > 0; head.count--) {
        if (!beichen_read(&list, &item)) return false;
        bool is_frame = item.kind == BEICHEN_BIN && item.count >= asked->lowest && item.count <= asked->highest;
        if (asked->kind == 'f' ? !is_frame : !is_integer(&item)) return false;
    }
    return true;
}

/* Whether a field is as its rule asks; then it is put where that says. */
static bool take_field(const beichen_reader *map, const rule *asked, heard *said) {
    beichen_reader value;
    beichen_item item;
    uint8_t *to = (uint8_t *)said + asked->to;
    if (!beichen_find(map, asked->name, &value)) return !asked->required;
    beichen_reader inside = value;
    if (!beichen_read(&inside, &item)) return false;
    if (asked->kind == 't') {
        bool ok = item.kind == BEICHEN_STR &&
                  is_text(item.bytes, item.count, (size_t)asked->lowest, (size_t)asked->highest);
        if (ok && asked->to) memcpy(to, &item, sizeof item);
        return ok;
    }
    if (asked->kind == 'i') return is_integer(&item);
    if (asked->kind == 'w' || asked->kind == 'd') {
        bool is_whole = asked->kind == 'w';
        if ((is_whole && item.kind != BEICHEN_INT) || !is_number(&item, asked->lowest, asked->highest)) return false;
        memcpy(to, is_whole ? (const void *)&item.large : (const void *)&item.real, 8);
        return true;
    }
    if (asked->kind == 'm') {
        if (!is_open_map(&value, (size_t)asked->lowest, (size_t)asked->highest)) return false;
    } else if (!is_list(value, asked)) {
        return false;
    }
    if (asked->to) memcpy(to, &value, sizeof value);
    return true;
}

/* Read a message to the pole; false: it is malformed, or of a type that is not known. */
static bool understand(const uint8_t *body, size_t length, heard *said) {
    static const uint8_t NOTHING[1] = {0};
    beichen_reader map;
    beichen_item type;
    memset(said, 0, sizeof *said);
    said->id.bytes = said->name.bytes = said->action.bytes = NOTHING;
    if (length > BEICHEN_MESSAGE || !is_whole_map(body, length, &map)) return false;
    if (!find_item(&map, "type", &type) || type.kind != BEICHEN_STR) return false;
    while (said->what < HEARD && !is_word(&type, SAID[said->what])) said->what++;
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++)
        if (RULES[i].what >> said->what & 1 && !take_field(&map, &RULES[i], said)) return false;
    return said->what < HEARD;
}

static void take_welcome(beichen_pole *pole, const heard *said, double now_s) {
    pole->window = (uint32_t)said->window, pole->sent = 0, pole->hello_every_s = HELLO_AGAIN_S;
    forget(pole, pole->boot, said->number, true);
    if (pole->greeted_s >= 0.0) {
        take_time(pole, pole->greeted_s, said->first_s, said->first_s, now_s);
        pole->greeted_s = -1.0, pole->time_due_s = fmin(pole->time_due_s, now_s);
    }
    pole->is_welcome = pole->was_welcome = true;
}

static void take_ack(beichen_pole *pole, const heard *said, double now_s) {
    char name[17] = "", *end;
    if (said->name.count == 16) memcpy(name, said->name.bytes, 16);
    uint64_t boot = strtoull(name, &end, 16);
    pole->window = (uint32_t)said->window;
    if (*end == 0 && forget(pole, boot, said->number, false)) pole->progress_s = now_s, pole->again_s = SEND_AGAIN_S;
}

static void take_refusal(beichen_pole *pole, const heard *said, double now_s) {
    bool is_hello_first = is_word(&said->id, "pole.hello-first");
    if (is_word(&said->id, "pole.unknown-message")) {
        for (int type = READING; type < TYPES; type++)
            if (type != HELLO && is_word(&said->name, TYPE[type])) pole->muted |= 1U << type;
        for (size_t i = pole->count; i-- > 0;)
            if (pole->muted >> held_at(pole, i)->kind & 1) remove_held(pole, i, true);
        pole->sent = 0;
    } else if (pole->is_welcome && is_hello_first) {
        pole->is_welcome = false; /* a gateway that knows nothing of this connection was just started */
        pole->hello_due_s = now_s;
    } else if (!pole->is_welcome && !is_hello_first) {
        pole->hello_every_s = fmin(2.0 * pole->hello_every_s, HELLO_SELDOM_S);
        pole->hello_due_s = now_s + pole->hello_every_s;
    }
}

static void take_order(beichen_pole *pole, const heard *said) {
    const beichen_item *texts[] = {&said->id, &said->name, &said->action};
    char copies[3][BEICHEN_NAME];
    for (int i = 0; i < 3; i++) {
        if (texts[i]->count > 0 && memchr(texts[i]->bytes, 0, texts[i]->count) != NULL) return;
        copy_text(copies[i], BEICHEN_NAME, texts[i]->bytes, texts[i]->count);
    }
    if (said->what == COMMAND)
        take_command(pole, &(beichen_command){copies[0], copies[1], copies[2], said->map, said->first_s});
    else if (said->what == DESIRED) take_desired(pole, copies[1], said->number, &said->map);
    else if (pole->config->correction != NULL)
        pole->config->correction(pole->config->user, copies[1], said->number, said->first_s, &said->map);
}

static void take(beichen_pole *pole, const heard *said, double now_s) {
    pole->heard_s = now_s, pole->asking_s = INFINITY, pole->patience_s = 3.0 * pole->heartbeat_s;
    if (said->what == WELCOME && is_word(&said->name, pole->boot_name)) take_welcome(pole, said, now_s);
    else if (said->what == ACK) take_ack(pole, said, now_s);
    else if (said->what == GONE) pole->is_over = true, pole->back_s = fmin(said->first_s, BACK_MAX_S);
    else if (said->what == REFUSAL) take_refusal(pole, said, now_s);
    else if (said->what >= COMMAND && said->what <= CORRECTED) take_order(pole, said);
    else if (said->what == TIME && pole->time_asked_s == said->first_s) {
        take_time(pole, pole->time_asked_s, said->second_s, said->third_s, now_s);
        pole->time_asked_s = -1.0;
    }
}

/* ---- the pole -------------------------------------------------------------------------------------------------- */

/* When to ask whether the gateway is there, or to let it know that the pole is (§4.6). */
static double heartbeat_due_s(const beichen_pole *pole) {
    double every_s = pole->heartbeat_s / PROMISED;
    return fmin(fmax(pole->heard_s, pole->asked_s) + every_s, pole->said_s + (every_s + pole->heartbeat_s) / 2.0);
}

/* When the connection is to be taken for dead: only one over which something was asked can be (§4.7). */
static double dead_s(const beichen_pole *pole) {
    return fmax(pole->heard_s + pole->patience_s, pole->asking_s + 2.0 * pole->heartbeat_s);
}

/* Entries, the question for the time, a heartbeat; returns when to look again. */
static double send_what_is_due(beichen_pole *pole, double now_s) {
    bool again = pole->sent > 0 && now_s >= pole->progress_s + pole->again_s;
    if (pole->sent == 0) pole->again_s = SEND_AGAIN_S;
    else if (again) pole->again_s = fmin(2.0 * pole->again_s, SEND_SELDOM_S);
    if (pole->sent == 0 || again) pole->sent = 0, pole->progress_s = now_s;
    while (now_s >= pole->blocked_s && send_entries(pole, now_s))
        if (!again) ask(pole, now_s);
    if (now_s >= pole->time_due_s) {
        beichen_writer writer = message(pole, TIME_REQUEST, 0, "pole_s:d", now_s);
        if (send_out(pole, TIME_REQUEST, &writer)) pole->time_asked_s = now_s;
        pole->time_due_s = now_s + pole->time_every_s;
    }
    if (now_s >= heartbeat_due_s(pole)) {
        beichen_writer writer = message(pole, HEARTBEAT, 0, "");
        send_out(pole, HEARTBEAT, &writer);
        ask(pole, pole->said_s = now_s);
    }
    double wake_s = fmin(heartbeat_due_s(pole), pole->time_due_s);
    if (pole->blocked_s > now_s) wake_s = fmin(wake_s, pole->blocked_s);
    return pole->sent > 0 ? fmin(wake_s, pole->progress_s + pole->again_s) : wake_s;
}

static void open_connection(beichen_pole *pole, double now_s) {
    pole->socket = connected_socket(pole->context, &pole->config->keys, &pole->config->gateways[pole->gateway]);
    pole->is_welcome = pole->was_welcome = false, pole->is_over = pole->socket == NULL;
    pole->heard_s = pole->said_s = pole->asked_s = pole->hello_due_s = now_s;
    pole->asking_s = INFINITY, pole->patience_s = fmax(3.0 * pole->heartbeat_s, FIRST_WORD_S);
    pole->hello_every_s = HELLO_AGAIN_S, pole->greeted_s = pole->time_asked_s = -1.0;
    pole->back_s = pole->blocked_s = 0.0, pole->muted = 0;
}

static void close_connection(beichen_pole *pole, double now_s) {
    if (pole->socket != NULL) zmq_close(pole->socket);
    pole->socket = NULL, pole->is_welcome = pole->is_over = false;
    if (!pole->was_welcome) pole->gateway = (pole->gateway + 1) % pole->config->gateway_count;
    pole->retry_s = pole->was_welcome ? RETRY_FIRST_S : fmin(2.0 * pole->retry_s, RETRY_MAX_S);
    pole->open_due_s = now_s + (pole->back_s > 0.0 ? pole->back_s * chance_between(pole, 1.0, 1.5)
                                                   : chance_between(pole, RETRY_S, pole->retry_s));
}

/* The clock's and the flash's faults are entries of the log. */
static void tell_troubles(beichen_pole *pole) {
    char text[160];
    beichen_utc_s(pole);
    bool is_wrong = pole->clock_wrong, fails = pole->flash_error != 0;
    if (is_wrong != pole->clock_told) {
        pole->clock_told = is_wrong;
        snprintf(text, sizeof text, "the clock is wrong by %+.1f s: dated by the monotonic clock", pole->wrong_by_s);
        beichen_log(pole, is_wrong ? BEICHEN_WARNING : BEICHEN_INFO, is_wrong ? text : "the clock is right again");
    }
    if (fails != pole->flash_told) {
        pole->flash_told = fails;
        snprintf(text, sizeof text, "the ring's flash fails (errno %d), entries are held in memory", pole->flash_error);
        beichen_log(pole, fails ? BEICHEN_ERROR : BEICHEN_INFO, fails ? text : "the ring's flash works again");
    }
}

/* Everything but hearing; returns when to look again. */
static double work(beichen_pole *pole, double now_s) {
    tell_troubles(pole);
    if (now_s >= pole->sync_due_s) sync_ring(pole);
    if (pole->socket == NULL && now_s >= pole->open_due_s) open_connection(pole, now_s);
    if (pole->is_over || (pole->socket != NULL && now_s >= dead_s(pole))) close_connection(pole, now_s);
    if (pole->socket == NULL) return fmin(pole->open_due_s, pole->sync_due_s);
    if (!pole->is_welcome && now_s >= pole->hello_due_s) say_hello(pole, now_s);
    double wake_s = pole->is_welcome ? send_what_is_due(pole, now_s) : pole->hello_due_s;
    return fmin(fmin(wake_s, dead_s(pole)), pole->sync_due_s);
}

void beichen_poll(beichen_pole *pole, double within_s) {
    double now_s = monotonic_s(), wake_s = work(pole, now_s);
    size_t length;
    heard said;
    wait_for(pole->socket, fmin(within_s, wake_s - now_s));
    while (pole->socket != NULL && !pole->is_over && (length = receive(pole->socket, pole->in, sizeof pole->in)) > 0)
        if (understand(pole->in, length, &said)) take(pole, &said, monotonic_s());
    work(pole, monotonic_s());
}

static bool is_config(const beichen_config *config) {
    bool ok = is_name(config->code) && is_name(config->firmware) && fabs(config->lat_deg) <= 90.0 &&
              fabs(config->lon_deg) <= 180.0 && config->heartbeat_s >= 0.0 && config->heartbeat_s <= 3600.0 &&
              config->function_count <= BEICHEN_FUNCTIONS && config->gateway_count >= 1 &&
              config->gateway_count <= BEICHEN_GATEWAYS && (config->ring_path == NULL || config->ring_pages >= 64) &&
              strlen(config->keys.public_key) == 40 && strlen(config->keys.secret_key) == 40;
    for (size_t i = 0; ok && i < config->function_count; i++)
        ok = is_name(config->functions[i].address) && config->functions[i].every_s > 0.0 &&
             config->functions[i].every_s <= 86400.0 &&
             (!config->functions[i].has_settings || (config->settings != NULL && config->desired != NULL));
    for (size_t i = 0; ok && i < config->gateway_count; i++) ok = strlen(config->gateways[i].public_key) == 40;
    return ok;
}

beichen_status beichen_start(beichen_pole *pole, const beichen_config *config) {
    memset(pole, 0, sizeof *pole);
    pole->ring.file = pole->memory.file = -1;
    if (!is_config(config)) return BEICHEN_BAD_CONFIG;
    pole->config = config;
    pole->memory.memory = pole->pages, pole->memory.bytes = sizeof pole->pages;
    pole->heartbeat_s = config->heartbeat_s > 0.0 ? config->heartbeat_s : HEARTBEAT_S;
    pole->window = WINDOW, pole->time_every_s = TIME_FIRST_S, pole->retry_s = RETRY_FIRST_S / 2.0;
    pole->sync_due_s = INFINITY;
    int source = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    bool ok = source >= 0 && read(source, &pole->chance, sizeof pole->chance) == (ssize_t)sizeof pole->chance;
    if (source >= 0) close(source);
    if (!ok || pole->chance == 0) return BEICHEN_FILE;
    if (config->ring_path != NULL && !open_ring(pole, config->ring_path, config->ring_pages))
        return errno == EWOULDBLOCK ? BEICHEN_IN_USE : BEICHEN_FILE;
    begin_boot(pole);
    if (!zmq_has("curve") || (pole->context = zmq_ctx_new()) == NULL) return BEICHEN_NETWORK;
    for (const beichen_function *one = config->functions; one < config->functions + config->function_count; one++) {
        beichen_judged *judged = one->has_settings ? judged_of(pole, one->address) : NULL;
        if (judged == NULL) continue;
        judged->version = one->version;
        if (tell_settings(pole, judged) != BEICHEN_OK) return BEICHEN_BAD_ENTRY;
    }
    return BEICHEN_OK;
}

void beichen_stop(beichen_pole *pole, const char *why, double back_s) {
    if (pole->is_welcome && is_name(why)) {
        beichen_writer writer = message(pole, BYE, 0, "why:s back_s:d", why, clamped(back_s, 0.0, MAX_S));
        if (send_out(pole, BYE, &writer)) wait_for(NULL, 0.2); /* nobody tells when it has left */
    }
    if (pole->socket != NULL) zmq_close(pole->socket);
    if (pole->context != NULL) zmq_ctx_term(pole->context);
    if (pole->count > 0 && held_at(pole, 0)->boot != pole->boot) mark(pole, held_at(pole, 0)->boot);
    mark(pole, pole->boot);
    sync_ring(pole);
    if (pole->ring.file >= 0) close(pole->ring.file);
    pole->socket = pole->context = NULL, pole->ring.file = -1;
}

/* The map that a caller wrote; empty, and so no map, when it did not fit. */
static beichen_reader written(const beichen_writer *writer) {
    return (beichen_reader){writer->data, writer->failed ? 0 : writer->length, 0};
}

beichen_status beichen_reading(beichen_pole *pole, const char *function, const beichen_writer *values,
                               beichen_quality quality) {
    static const char *const QUALITIES[] = {"good", "suspect", "bad"};
    beichen_reader map = written(values);
    if (!is_name(function) || !is_open_map(&map, 1, 64) || (unsigned)quality > BEICHEN_BAD) return BEICHEN_BAD_ENTRY;
    beichen_writer body = body_of_record(pole);
    write_map(&body, 0, "function:s values:r quality:s", function, &map, QUALITIES[quality]);
    return put(pole, READING, &body, false);
}

beichen_status beichen_alarm(beichen_pole *pole, const char *code, bool active, const char *function,
                             const beichen_writer *facts) {
    static uint8_t none[1] = {0x80};
    beichen_reader map = facts != NULL ? written(facts) : (beichen_reader){none, 1, 0};
    if (!is_name(code) || !(function == NULL || is_name(function)) || !is_open_map(&map, 1, 64))
        return BEICHEN_BAD_ENTRY;
    beichen_writer body = body_of_record(pole);
    write_map(&body, function != NULL, "code:s active:b facts:r", code, (int)active, &map);
    if (function != NULL) write_more(&body, "function:s", function);
    return put(pole, ALARM, &body, true);
}

beichen_status beichen_observation(beichen_pole *pole, const beichen_heard *frames, size_t count) {
    static const char *const SOURCES[] = {"gb46750", "gb42590", "odid", "adsb"};
    if (count < 1 || count > 64) return BEICHEN_BAD_ENTRY;
    beichen_writer body = body_of_record(pole);
    write_map(&body, 0, "heard:-");
    beichen_write_array(&body, (uint32_t)count);
    for (const beichen_heard *one = frames; one < frames + count; one++) {
        bool has_rssi = !isnan(one->rssi_dbm);
        const char *from = one->transmitter == NULL ? "" : one->transmitter;
        if ((unsigned)one->source > BEICHEN_ADSB || one->length < 1 || one->length > 1024 ||
            !(one->age_s >= 0.0 && one->age_s <= MAX_S) || !is_text(from, strlen(from), 0, 32) ||
            (has_rssi && !(one->rssi_dbm >= -200.0 && one->rssi_dbm <= 50.0)))
            return BEICHEN_BAD_ENTRY;
        write_map(&body, 1U + has_rssi, "source:s age_s:d transmitter:s", SOURCES[one->source], one->age_s, from);
        if (has_rssi) write_more(&body, "rssi_dbm:d", one->rssi_dbm);
        write_more(&body, "frame:-");
        beichen_write_bin(&body, one->frame, one->length);
    }
    return put(pole, OBSERVATION, &body, false);
}

beichen_status beichen_log(beichen_pole *pole, beichen_level level, const char *text) {
    bool is_level = level >= BEICHEN_ERROR && level <= BEICHEN_DEBUG && level != 5; /* the protocol has no notices */
    if (!is_level || !is_text(text, strlen(text), 0, MAX_TEXT)) return BEICHEN_BAD_ENTRY;
    beichen_writer body = body_of_record(pole);
    write_map(&body, 0, "level:u text:s", (uint64_t)level, text);
    return put(pole, LOG, &body, false);
}

bool beichen_correction(beichen_pole *pole, const uint8_t *const frames[], const size_t lengths[], size_t count) {
    if (!pole->is_welcome || count > 16) return false;
    beichen_writer writer = message(pole, CORRECTION, 0, "stream:s number:u at_s:d frames:-", pole->config->code,
                                    ++pole->corrections, clamped(beichen_utc_s(pole), 0.0, MAX_UTC_S));
    beichen_write_array(&writer, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        if (lengths[i] < 6 || lengths[i] > 1029) return false;
        beichen_write_bin(&writer, frames[i], lengths[i]);
    }
    return send_out(pole, CORRECTION, &writer);
}

bool beichen_connected(const beichen_pole *pole) { return pole->is_welcome; }
uint64_t beichen_acknowledged(const beichen_pole *pole) { return durable_of(pole, pole->boot); }
size_t beichen_unsent(const beichen_pole *pole) { return pole->count; }
uint64_t beichen_dropped(const beichen_pole *pole) { return pole->dropped; }
