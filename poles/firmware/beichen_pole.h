/*
 * Beichen's reference firmware client for smart poles: C99 and libzmq (with CURVE), nothing else.
 *
 * It speaks the poles' protocol, version 1 (docs/poles-protocol.md; paragraphs are named like §5.4). What the firmware
 * notices becomes numbered entries, which are kept in a ring file until the controller's disk has them, over lost
 * connections, power cuts and restarts. Commands and settings come in by callbacks.
 *
 * How to use it (main.c is a whole pole):
 *
 *     static beichen_pole pole;                          // all memory that the client uses after its start
 *     beichen_load_keys("pole.key", &keys);              // once: beichen_make_keys, beichen_enrol
 *     beichen_start(&pole, &config);                     // the config and its strings must live as long as the pole
 *     while (running) {
 *         if (it is time) beichen_reading(&pole, "WindSensor", &values, BEICHEN_GOOD);
 *         beichen_poll(&pole, 0.1);                      // everything else happens in here, callbacks too
 *     }
 *     beichen_stop(&pole, "shutdown", 0.0);
 *
 * One thread calls all functions of a pole. Nothing here blocks longer than it is told to, but for the disk
 * (fdatasync). After beichen_start this file allocates no memory; libzmq does, inside itself. Texts are UTF-8 and end
 * with a zero byte; times are seconds; UTC is seconds since 1970 without leap seconds; positions are CGCS2000 degrees.
 * Needs POSIX.1-2008 (files, clocks) and flock() beside C99.
 */
#ifndef BEICHEN_POLE_H
#define BEICHEN_POLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes of the client's static memory; a firmware may set its own for all that it compiles. */
#ifndef BEICHEN_HELD
#define BEICHEN_HELD 8192 /* entries that can wait at once, 32 bytes each; the oldest go first */
#endif
#ifndef BEICHEN_MEMORY_PAGES
#define BEICHEN_MEMORY_PAGES 16 /* pages of 4096 bytes that hold entries where there is no ring file, or it fails */
#endif
#ifndef BEICHEN_BODY
#define BEICHEN_BODY 60000 /* bytes of the largest entry; with less, larger ones of an old ring file are lost */
#endif
#ifndef BEICHEN_ANSWERS
#define BEICHEN_ANSWERS 128 /* commands whose answer is remembered; §6.2 asks for 64 */
#endif
#define BEICHEN_NAME 257       /* a name of 64 characters, each of 4 bytes at most, and the zero byte */
#define BEICHEN_WORDS 193      /* words of a refusal are cut to fewer bytes than this */
#define BEICHEN_ADDRESS 256    /* tcp://host:port */
#define BEICHEN_KEY 41         /* a CURVE key in Z85, and the zero byte */
#define BEICHEN_FUNCTIONS 64   /* of one pole (§11) */
#define BEICHEN_GATEWAYS 8     /* that a pole may connect to */
#define BEICHEN_BOOTS 64       /* whose last acknowledged entry is remembered at once */
#define BEICHEN_MESSAGE 65536  /* bytes of the largest message (§3.7) */
#define BEICHEN_RECORD_HEAD 56 /* bytes before the body of a record in the ring (annex A) */

typedef struct beichen_pole beichen_pole;

typedef enum {
    BEICHEN_OK = 0,
    BEICHEN_BAD_CONFIG,   /* something in the config is missing or out of range */
    BEICHEN_BAD_ENTRY,    /* no controller would take it: out of range, not finite, not UTF-8, too long or too deep */
    BEICHEN_FILE,         /* a file could not be opened, read or written; errno says why */
    BEICHEN_IN_USE,       /* another process has the ring file: a pole runs once */
    BEICHEN_KEY_READABLE, /* others than the owner may use the key file */
    BEICHEN_KEY_FILE,     /* it is not a key file, or its halves do not belong together */
    BEICHEN_NETWORK,      /* libzmq refuses the address or the keys, or has no CURVE */
    BEICHEN_SAID_NO,      /* the enrolment desk refused; its words say why */
    BEICHEN_SILENT        /* the enrolment desk did not answer in time */
} beichen_status;

/* What a status means, in English. */
const char *beichen_says(beichen_status status);

/* ---- MessagePack: writing -------------------------------------------------------------------------------------- */

/* Writes into memory of the caller. What does not fit sets `failed` and writes nothing more: look once, at the end. */
typedef struct {
    uint8_t *data;
    size_t room, length;
    bool failed;
} beichen_writer;

void beichen_write_into(beichen_writer *writer, void *memory, size_t bytes);
void beichen_write_nil(beichen_writer *writer);
void beichen_write_bool(beichen_writer *writer, bool value);
void beichen_write_int(beichen_writer *writer, int64_t value);
void beichen_write_uint(beichen_writer *writer, uint64_t value);
void beichen_write_double(beichen_writer *writer, double value);
void beichen_write_str(beichen_writer *writer, const char *text);
void beichen_write_bin(beichen_writer *writer, const void *bytes, size_t length);
void beichen_write_array(beichen_writer *writer, uint32_t count); /* `count` items follow */
void beichen_write_map(beichen_writer *writer, uint32_t count);   /* `count` pairs of a name and a value follow */

/* ---- MessagePack: reading -------------------------------------------------------------------------------------- */

typedef enum {
    BEICHEN_NIL, BEICHEN_BOOL, BEICHEN_INT, BEICHEN_UINT, BEICHEN_DOUBLE, BEICHEN_STR, BEICHEN_BIN, BEICHEN_ARRAY,
    BEICHEN_MAP, BEICHEN_EXT
} beichen_kind; /* UINT: an integer above INT64_MAX; all others are INT */

/* Reads bytes that somebody else holds; every length is checked against `length`. */
typedef struct {
    const uint8_t *data;
    size_t length, at;
} beichen_reader;

typedef struct {
    beichen_kind kind;
    bool truth;           /* of a BOOL */
    int64_t whole;        /* of an INT */
    uint64_t large;       /* of a UINT */
    double real;          /* of a DOUBLE, and of an INT or UINT as near as a double comes */
    const uint8_t *bytes; /* of a STR, BIN or EXT: its bytes, without a zero byte at the end */
    uint32_t count;       /* of a STR, BIN or EXT: their number; of an ARRAY: of items; of a MAP: of pairs */
} beichen_item;

/* The next item; of an array or map its head, the items follow. False at the end, and when the rest is malformed. */
bool beichen_read(beichen_reader *reader, beichen_item *item);
/* Pass one item with everything in it. */
bool beichen_skip(beichen_reader *reader);
/* Find the value of a name in the map that `map` begins with; `value` then reads it. False when it is not there. */
bool beichen_find(const beichen_reader *map, const char *name, beichen_reader *value);
/* Whether the map has no other names than these: parameters of commands that are not known must be refused (§6.4). */
bool beichen_only(const beichen_reader *map, const char *const names[], size_t count);
/* Read a number from lowest to highest, or a text shorter than `room`, from a map. False: absent, or not that. */
bool beichen_number(const beichen_reader *map, const char *name, double lowest, double highest, double *value);
bool beichen_text(const beichen_reader *map, const char *name, char *text, size_t room);

/* ---- Keys and enrolment (§12) ---------------------------------------------------------------------------------- */

typedef struct {
    char public_key[BEICHEN_KEY], secret_key[BEICHEN_KEY];
} beichen_keys;

typedef struct {
    char address[BEICHEN_ADDRESS], public_key[BEICHEN_KEY];
} beichen_gateway;

/* Make a pair from the system's source of chance and keep it in a new file of mode 0600; never overwrites one. */
beichen_status beichen_make_keys(const char *path, beichen_keys *keys);
/* Read a key file; refuses one that others than the owner can use. */
beichen_status beichen_load_keys(const char *path, beichen_keys *keys);

/* Why something was refused: a code of the protocol, and the words that people read, English and Chinese. */
typedef struct {
    char code[BEICHEN_NAME], en[BEICHEN_WORDS], zh[BEICHEN_WORDS];
} beichen_words;

void beichen_because(beichen_words *words, const char *code, const char *en, const char *zh);

/*
 * Bring the public key to the enrolment desk with the one-time token; asks every 2 s until it is answered, for at most
 * `within_s`. `gateways` has room for BEICHEN_GATEWAYS: keep them, the best one is the first. With BEICHEN_SAID_NO,
 * `words` say why (`words` may be NULL).
 */
beichen_status beichen_enrol(const beichen_gateway *desk, const beichen_keys *keys, const char *code, const char *token,
                             double within_s, beichen_gateway *gateways, size_t *count, beichen_words *words);

/* ---- The pole -------------------------------------------------------------------------------------------------- */

/* One function of the pole (§1.2). */
typedef struct {
    const char *address; /* its type, or type.instance: "GasSensor.co" */
    double every_s;      /* promise: two of its readings are never further apart; report a little more often (§4.3) */
    bool has_settings;
    uint64_t version; /* of the settings that the firmware kept over the restart, 0: none were kept (§7.5) */
} beichen_function;

typedef struct {
    const char *id, *function, *action; /* live as long as the callback runs: copy the id to answer later */
    beichen_reader parameters;          /* a map, sound as §3.6 asks */
    double expires_s;                   /* UTC by which it has to begin; the client has looked */
} beichen_command;

typedef enum {
    BEICHEN_DONE,   /* it is done already */
    BEICHEN_BEGUN,  /* it takes time: beichen_progress, and beichen_result in the end */
    BEICHEN_REFUSED /* it is not carried out, `why` says the reason */
} beichen_outcome;

typedef enum { BEICHEN_GOOD, BEICHEN_SUSPECT, BEICHEN_BAD } beichen_quality;
typedef enum { BEICHEN_GB46750, BEICHEN_GB42590, BEICHEN_ODID, BEICHEN_ADSB } beichen_source;
typedef enum { BEICHEN_ERROR = 3, BEICHEN_WARNING = 4, BEICHEN_INFO = 6, BEICHEN_DEBUG = 7 } beichen_level;

/* One frame of another aircraft as the receiver heard it. */
typedef struct {
    beichen_source source;
    const uint8_t *frame;
    size_t length;           /* 1 to 1024 */
    double age_s;            /* how long ago it came */
    double rssi_dbm;         /* NAN: not known */
    const char *transmitter; /* MAC or ICAO address in hexadecimal digits, NULL: not known */
} beichen_heard;

typedef struct {
    const char *code, *firmware; /* the city code; name and version of the firmware */
    double lat_deg, lon_deg;
    const beichen_function *functions;
    size_t function_count;
    double heartbeat_s; /* promise: the pole is never quiet for longer; the client keeps it by itself. 0: 6.25 */
    beichen_keys keys;
    const beichen_gateway *gateways; /* the best one first; the next is tried when no welcome comes from one */
    size_t gateway_count;
    const char *ring_path;  /* NULL: entries are held in memory only */
    uint32_t ring_pages;    /* of 4096 bytes, 64 or more, when the file is made; an old file keeps its size */
    size_t capacity;        /* of entries that are held at most, 0: BEICHEN_HELD */
    double (*utc_s)(void *user); /* the calendar clock; NULL: the system's. It may be wrong (§8.2) */
    /* Carry out a command, once for each id. NULL: there are none. */
    beichen_outcome (*command)(void *user, beichen_pole *pole, const beichen_command *command, beichen_words *why);
    /* Bring settings about, all or none: what is not named takes its default (§7.2). False: refused, `why`. */
    bool (*desired)(void *user, beichen_pole *pole, const char *function, uint64_t version,
                    const beichen_reader *settings, beichen_words *why);
    /* Write the map of all settings of a function as they are in force. */
    void (*settings)(void *user, const char *function, beichen_writer *writer);
    /* RTCM 3 frames to be broadcast: `frames` is an array of bin. */
    void (*correction)(void *user, const char *stream, uint64_t number, double at_s, const beichen_reader *frames);
    void *user;
} beichen_config;

/* Open the ring, find what earlier boots left, begin a new boot. The first connection is made by beichen_poll.
 * Not BEICHEN_OK: beichen_stop gives back what was opened. */
beichen_status beichen_start(beichen_pole *pole, const beichen_config *config);
/* Do what is due: connect, send, hear, call back, sync the ring. Waits for something to do, `within_s` at most. */
void beichen_poll(beichen_pole *pole, double within_s);
/* Say bye (§4.9), note in the ring what is acknowledged, and close everything. Takes 0.2 s or less. */
void beichen_stop(beichen_pole *pole, const char *why, double back_s);

/* Entries (§5). `values`, `facts`: one MessagePack map. What no controller would take is refused and not kept. */
beichen_status beichen_reading(beichen_pole *pole, const char *function, const beichen_writer *values,
                               beichen_quality quality);
/* `function` and `facts` may be NULL. */
beichen_status beichen_alarm(beichen_pole *pole, const char *code, bool active, const char *function,
                             const beichen_writer *facts);
beichen_status beichen_observation(beichen_pole *pole, const beichen_heard *heard, size_t count);
beichen_status beichen_log(beichen_pole *pole, beichen_level level, const char *text);
/* The settings of a function changed at the pole: say how they are now. */
beichen_status beichen_settings_changed(beichen_pole *pole, const char *function);

/* How far a command is that was begun; said once a second at most. */
void beichen_progress(beichen_pole *pole, const char *id, double share, const char *en, const char *zh);
/* A command that was begun is over; `why` is NULL when it went well. */
void beichen_result(beichen_pole *pole, const char *id, const beichen_words *why);
/* RTCM 3 frames of this pole's base station, at most 16; of the moment: false when nobody listens now. */
bool beichen_correction(beichen_pole *pole, const uint8_t *const frames[], const size_t lengths[], size_t count);

bool beichen_connected(const beichen_pole *pole);        /* whether a gateway has welcomed this pole */
uint64_t beichen_acknowledged(const beichen_pole *pole); /* the highest number of this boot that is durable */
size_t beichen_unsent(const beichen_pole *pole);         /* entries of all boots that are not acknowledged */
uint64_t beichen_dropped(const beichen_pole *pole);      /* entries of this boot that went for want of room */
double beichen_utc_s(beichen_pole *pole);                /* UTC by the best clock: the gateway's, when ours is wrong */

/* ---- What a pole is made of: for sizeof and static memory; not to be touched ----------------------------------- */

typedef struct {
    uint64_t boot, seq, place; /* the place's highest bit: in memory, not in the file */
    uint8_t kind;
} beichen_entry;

typedef struct {
    int file; /* -1: memory */
    uint8_t *memory;
    uint64_t bytes, head;
} beichen_ring;

typedef struct {
    char id[BEICHEN_NAME];
    uint8_t state;
    double expires_s, share, told_s;
    beichen_words words;
    uint64_t order;
} beichen_answer;

typedef struct {
    char function[BEICHEN_NAME];
    uint64_t version, seq; /* what was judged last, and the number of the entry that told */
    beichen_words why;
} beichen_judged;

struct beichen_pole {
    const beichen_config *config;
    void *context, *socket;
    size_t gateway;
    uint64_t boot, last_seq, dropped, chance;
    char boot_name[17];
    struct { uint64_t boot, seq; } durable[BEICHEN_BOOTS]; /* of the boots last heard of */
    size_t durable_count;
    beichen_entry held[BEICHEN_HELD];
    size_t first, count, sent;
    uint32_t window, unmarked, muted;
    beichen_ring ring, memory;
    double sync_due_s;
    int flash_error; /* errno, 0: it works */
    bool is_worn, flash_told; /* is_worn: the last write failed */
    bool is_welcome, was_welcome, is_over;
    double heard_s, patience_s, asked_s, asking_s, said_s, progress_s, again_s, hello_due_s, hello_every_s, greeted_s;
    double time_due_s, time_asked_s, time_every_s, heartbeat_s, blocked_s, open_due_s, retry_s, back_s;
    double offset_s, error_s, set_s, wrong_by_s; /* UTC minus the monotonic clock, how uncertain, since when */
    bool is_set, clock_wrong, clock_told;
    beichen_answer answers[BEICHEN_ANSWERS];
    uint64_t answer_order, corrections;
    beichen_judged judged[BEICHEN_FUNCTIONS + 4];
    size_t judged_count;
    uint8_t record[BEICHEN_RECORD_HEAD + BEICHEN_BODY + 8], out[BEICHEN_MESSAGE], in[BEICHEN_MESSAGE];
    uint8_t pages[BEICHEN_MEMORY_PAGES * 4096];
};

#endif
