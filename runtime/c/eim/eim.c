/* A Linux program that serves a library over a Unix socket or standard input: one JSON message after the other.
 *
 * A message ends with the brace that closes it; braces in strings do not count. Replies are one line; on a socket a zero
 * byte follows. `eim_config.h` names the library and holds the texts of the hello reply.
 */
#define _GNU_SOURCE
#include "eim_config.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MOST (32u * 1024u * 1024u)
#define DEPTH_MOST 64
#define SLICES 4
#define SMOOTHED 2

static uint32_t arena[(EIM_ARENA_SIZE + 3) / 4];
static EIM_HANDLE handle;
static float window[EIM_WINDOW_LEN], features[EIM_FEATURE_COUNT], outputs[EIM_OUTPUT_COUNT];
static float values[EIM_INPUT_COUNT], stream[EIM_INPUT_COUNT], history[SMOOTHED][EIM_OUTPUT_COUNT];
static unsigned long streamed, smoothed;
static char *message, *reply, shm_name[64];
static size_t reply_size, reply_room;
static float *shm;
static int initialised, on_socket;
#ifdef EIM_DECODE
#define BOXES 1
static float threshold = EIM_BOX_THRESHOLD;
#else
#define BOXES 0
#endif

static void stop(int signal_number)
{
    if (shm_name[0] != '\0') {
        shm_unlink(shm_name);
    }
    _exit(128 + signal_number);
}

/* ---- reply ---- */

static void say(const char *format, ...)
{
    for (;;) {
        va_list list;
        int n;
        va_start(list, format);
        n = vsnprintf(reply + reply_size, reply_room - reply_size, format, list);
        va_end(list);
        if (n >= 0 && (size_t)n < reply_room - reply_size) {
            reply_size += (size_t)n;
            return;
        }
        reply_room = 2 * reply_room + (n > 0 ? (size_t)n : 0u);
        reply = (char *)realloc(reply, reply_room);
        if (reply == NULL) {
            stop(SIGABRT - 128);
        }
    }
}

static void say_number(double v)
{
    say("%.9g", isfinite(v) ? v : 0.0);
}

static void send_reply(int out)
{
    size_t at = 0, all;
    say("\n");
    all = reply_size + (on_socket ? 1u : 0u); /* vsnprintf left a zero byte behind the text */
    while (at < all) {
        const ssize_t n = write(out, reply + at, all - at);
        if (n < 0 && errno != EINTR) {
            return;
        }
        at += n > 0 ? (size_t)n : 0u;
    }
}

static void fail(const char *text)
{
    say("\"success\":false,\"error\":\"%s\"}", text);
}

/* ---- JSON ---- */

static const char *space(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
        p++;
    }
    return p;
}

/* Behind a string; its first bytes, escapes left as they are, in `key`. NULL where it is not one. */
static const char *text(const char *p, char *key, size_t room)
{
    size_t n = 0;
    if (*p != '"') {
        return NULL;
    }
    for (p++; *p != '"'; p++) {
        if ((unsigned char)*p < 0x20u) {
            return NULL;
        }
        if (key != NULL && n + 1 < room) {
            key[n++] = *p;
        }
        if (*p == '\\') {
            p++;
            if (*p == '\0') {
                return NULL;
            }
        }
    }
    if (key != NULL) {
        key[n] = '\0';
    }
    return p + 1;
}

/* Behind a number. The grammar of JSON is narrower than that of strtod. */
static const char *number(const char *p, double *v)
{
    const char *q = *p == '-' ? p + 1 : p;
    char *end;
    if (*q < '0' || *q > '9' || (q[0] == '0' && (q[1] == 'x' || q[1] == 'X'))) {
        return NULL;
    }
    *v = strtod(p, &end);
    return end;
}

static const char *value(const char *p, int depth)
{
    double v;
    p = space(p);
    if (*p == '"') {
        return text(p, NULL, 0);
    }
    if (*p == '{' || *p == '[') {
        const char close = *p == '{' ? '}' : ']';
        const int object = *p == '{';
        p = space(p + 1);
        if (depth == 0) {
            return NULL;
        }
        if (*p == close) {
            return p + 1;
        }
        for (;;) {
            if (object) {
                p = text(space(p), NULL, 0);
                if (p == NULL || *(p = space(p)) != ':') {
                    return NULL;
                }
                p++;
            }
            p = value(p, depth - 1);
            if (p == NULL) {
                return NULL;
            }
            p = space(p);
            if (*p == close) {
                return p + 1;
            }
            if (*p++ != ',') {
                return NULL;
            }
        }
    }
    if (strncmp(p, "true", 4) == 0 || strncmp(p, "null", 4) == 0) {
        return p + 4;
    }
    if (strncmp(p, "false", 5) == 0) {
        return p + 5;
    }
    return number(p, &v);
}

/* The value of a key of an object, which must be well formed; NULL where there is none. */
static const char *find(const char *object, const char *name)
{
    const char *p = space(object);
    if (*p++ != '{') {
        return NULL;
    }
    for (p = space(p); *p == '"'; p = space(p + 1)) {
        char key[32];
        p = text(p, key, sizeof key);
        p = space(space(p) + 1);
        if (strcmp(key, name) == 0) {
            return p;
        }
        p = space(value(p, DEPTH_MOST));
        if (*p != ',') {
            return NULL;
        }
    }
    return NULL;
}

/* Numbers of an array, up to `room` of them; how many there are, or -1. */
static long numbers(const char *p, float *out, long room)
{
    long n = 0;
    if (*p != '[') {
        return -1;
    }
    p = space(p + 1);
    if (*p == ']') {
        return 0;
    }
    for (;;) {
        double v;
        p = number(space(p), &v);
        if (p == NULL) {
            return -1;
        }
        if (n < room) {
            out[n] = (float)v;
        }
        n++;
        p = space(p);
        if (*p == ']') {
            return n;
        }
        if (*p++ != ',') {
            return -1;
        }
    }
}

/* ---- work ---- */

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void share(void)
{
    const size_t bytes = sizeof values;
    int file;
    snprintf(shm_name, sizeof shm_name, "/edgewright-%ld", (long)getpid());
    file = shm_open(shm_name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (file >= 0 && ftruncate(file, (off_t)bytes) == 0) {
        void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        shm = at == MAP_FAILED ? NULL : (float *)at;
    }
    if (file >= 0) {
        close(file);
        if (shm == NULL) {
            shm_unlink(shm_name);
        }
    }
    if (shm == NULL) {
        shm_name[0] = '\0';
    }
}

static void hello(void)
{
    say("\"success\":true,\"project\":" EIM_PROJECT ",\"model_parameters\":" EIM_PARAMETERS
        ",\"inferencing_engine\":{\"engine_type\":\"none\",\"properties\":[]}");
    if (shm != NULL) {
        say(",\"features_shm\":{\"name\":\"%s\",\"size_bytes\":%lu,\"type\":\"float32\",\"elements\":%d}", shm_name,
            (unsigned long)sizeof values, EIM_INPUT_COUNT);
    } else {
        say(",\"features_shm_error\":\"shared memory could not be made\"");
    }
    say("}");
}

/* From the values of a message to those of a window. */
static void unpack(const float *from)
{
#if EIM_CHANNELS > 0
    int i;
    for (i = 0; i < EIM_INPUT_COUNT; i++) {
        const float v = from[i];
        const uint32_t pixel = v >= 0.0f && v <= 16777215.0f ? (uint32_t)v : 0u;
#if EIM_CHANNELS == 3
        window[3 * i] = (float)(pixel >> 16);
        window[3 * i + 1] = (float)(pixel >> 8 & 0xffu);
        window[3 * i + 2] = (float)(pixel & 0xffu);
#else
        window[i] = (float)(pixel & 0xffu);
#endif
    }
#else
    memcpy(window, from, sizeof window);
#endif
}

/* Classes and anomaly score, or boxes. */
static void tell(void)
{
    int i;
#ifdef EIM_DECODE
    static const char *const labels[] = EIM_LABELS;
    static EIM_BOX boxes[EIM_BOX_MAX];
    const int count = EIM_DECODE(outputs + EIM_CELLS_AT, threshold, boxes);
    say("\"bounding_boxes\":[");
    for (i = 0; i < count; i++) {
        say("%s{\"label\":%s,\"value\":", i > 0 ? "," : "", labels[boxes[i].label]);
        say_number((double)boxes[i].score);
        say(",\"x\":%d,\"y\":%d,\"width\":%d,\"height\":%d}", boxes[i].x, boxes[i].y, boxes[i].width, boxes[i].height);
    }
    say("]");
    i = 1;
#else
    if (EIM_LABEL_COUNT > 0) {
        static const char *const labels[] = EIM_LABELS;
        say("\"classification\":{");
        for (i = 0; i < EIM_LABEL_COUNT; i++) {
            say("%s%s:", i > 0 ? "," : "", labels[i]);
            say_number((double)outputs[i + EIM_LABELS_AT]);
        }
        say("}");
    }
    i = EIM_LABEL_COUNT;
#endif
    if (EIM_ANOMALY_AT >= 0) {
        say("%s\"anomaly\":", i > 0 ? "," : "");
        say_number((double)outputs[EIM_ANOMALY_AT < 0 ? 0 : EIM_ANOMALY_AT]);
    }
}

/* Classifies `from`; with `smooth` the mean of the last results. */
static void classify(const float *from, int smooth, double begun)
{
    EIM_SIGNAL signal_of_window;
    const double parsed = now_ms();
    double extracted, classified;
    int status, i, k;
    unpack(from);
    signal_of_window = EIM_SIGNAL_F32(window);
    status = EIM_EXTRACT(&handle, &signal_of_window, features, EIM_FEATURE_COUNT);
    extracted = now_ms();
    if (status == 0) {
        status = EIM_INVOKE(&handle, features, EIM_FEATURE_COUNT, outputs, EIM_OUTPUT_COUNT);
    }
    classified = now_ms();
    if (status != 0) {
        fail("the window could not be classified: a value is not a number");
        return;
    }
    if (smooth) {
        const unsigned long count = ++smoothed < SMOOTHED ? smoothed : SMOOTHED;
        memcpy(history[smoothed % SMOOTHED], outputs, sizeof outputs);
        for (i = 0; i < EIM_LABEL_COUNT; i++) {
            float sum = 0.0f;
            for (k = 0; k < (int)count; k++) {
                sum += history[(smoothed - (unsigned long)k) % SMOOTHED][i + EIM_LABELS_AT];
            }
            outputs[i + EIM_LABELS_AT] = sum / (float)count;
        }
    }
    say("\"success\":true,\"result\":{");
    tell();
    say("},\"timing\":{\"dsp\":");
    say_number(extracted - parsed);
    say(",\"classification\":");
    say_number(classified - extracted);
    say(",\"anomaly\":0,\"json\":");
    say_number(parsed - begun);
    say(",\"stdin\":0,\"msg_handler\":");
    say_number(classified - begun);
    say("}}");
}

static void slice(const float *from, long n, double begun)
{
    int i;
    memmove(stream, stream + n, sizeof(float) * (size_t)(EIM_INPUT_COUNT - n));
    memcpy(stream + EIM_INPUT_COUNT - n, from, sizeof(float) * (size_t)n);
    streamed += (unsigned long)n;
    /* Where the window is no multiple of the slice, the first one begins with some zeros. */
    if (streamed >= (unsigned long)SLICES * EIM_SLICE_SIZE) {
        streamed = (unsigned long)SLICES * EIM_SLICE_SIZE;
        classify(stream, 1, begun);
        return;
    }
    say("\"success\":true,\"result\":{");
    if (EIM_LABEL_COUNT > 0) {
        static const char *const labels[] = EIM_LABELS;
        say("\"classification\":{");
        for (i = 0; i < EIM_LABEL_COUNT; i++) {
            say("%s%s:0", i > 0 ? "," : "", labels[i]);
        }
        say("}");
    }
    if (EIM_ANOMALY_AT >= 0) {
        say("%s\"anomaly\":0", EIM_LABEL_COUNT > 0 ? "," : "");
    }
    say("},\"timing\":{\"dsp\":0,\"classification\":0,\"anomaly\":0,\"json\":0,\"stdin\":0,\"msg_handler\":0},"
        "\"info\":\"the window is not full yet\"}");
}

/* Values of a request, from the message or from shared memory; their number in `n`, or a refusal and NULL. */
static const float *request(const char *body, int in_shm, long expected, long *n)
{
    const float *from = values;
    if (in_shm) {
        double elements = -1.0;
        const char *e = find(body, "elements");
        if (e == NULL || number(e, &elements) == NULL || elements < 0.0 || elements > 1e9) {
            *n = -1;
        } else {
            *n = (long)elements;
        }
        from = shm;
        if (shm == NULL) {
            fail("there is no shared memory");
            return NULL;
        }
    } else {
        *n = numbers(body, values, EIM_INPUT_COUNT);
    }
    if (*n < 0) {
        fail("the values are not an array of numbers");
        return NULL;
    }
    if (*n != expected) {
        char words[96];
        snprintf(words, sizeof words, "%ld values instead of %ld", *n, expected);
        fail(words);
        return NULL;
    }
    return from;
}

static void answer(const char *m)
{
    static const char *const kinds[] = {"classify", "classify_shm", "classify_continuous", "classify_continuous_shm"};
    const double begun = now_ms();
    const char *p = value(m, DEPTH_MOST);
    const char *body;
    double id = 0.0;
    int has_id, k;
    reply_size = 0;
    if (p == NULL || *space(p) != '\0') {
        say("{");
        fail("the message is not JSON");
        return;
    }
    body = find(m, "id");
    has_id = body != NULL && number(body, &id) != NULL && id >= -2147483648.0 && id <= 2147483647.0 &&
             id == (double)(int)id;
    if (!has_id) {
        say("{");
        fail("the message has no id");
        return;
    }
    say("{\"id\":%d,", (int)id);
    body = find(m, "hello");
    if (body != NULL) {
        double one = 0.0;
        if (initialised) {
            fail("hello was said before");
        } else if (number(body, &one) == NULL || one != 1.0) {
            fail("hello must be 1");
        } else {
            initialised = 1;
            hello();
        }
        return;
    }
    if (!initialised) {
        fail("should initialize first");
        return;
    }
    for (k = 0; k < 4; k++) {
        body = find(m, kinds[k]);
        if (body != NULL) {
            long n;
            const int continuous = k >= 2 && !BOXES; /* pictures are no stream */
            const float *from = request(body, k % 2, continuous ? EIM_SLICE_SIZE : EIM_INPUT_COUNT, &n);
            if (from != NULL && continuous) {
                slice(from, n, begun);
            } else if (from != NULL) {
                classify(from, 0, begun);
            }
            return;
        }
    }
#ifdef EIM_DECODE
    body = find(m, "set_threshold");
    if (body != NULL && *body == '{') {
        double block = -1.0, score = 0.0;
        const char *of = find(body, "id"), *at = find(body, "min_score");
        if (of == NULL || number(of, &block) == NULL || block != (double)EIM_BOX_THRESHOLD_ID) {
            fail("there is no block of this id with a threshold");
        } else if (at == NULL || number(at, &score) == NULL || !(score >= 0.0 && score <= 1.0)) {
            fail("min_score must lie in 0 to 1");
        } else {
            threshold = (float)score;
            say("\"success\":true}");
        }
        return;
    }
#endif
    fail(find(m, "set_threshold") != NULL ? "there is no block with thresholds" : "Failed to handle message");
}

/* Serves until the other side closes. */
static void serve(int in, int out)
{
    static char chunk[65536];
    size_t size = 0, room = 0;
    long open = 0;
    int quoted = 0, escaped = 0, too_long = 0;
    for (;;) {
        ssize_t i;
        const ssize_t n = read(in, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return;
        }
        for (i = 0; i < n; i++) {
            const char c = chunk[i];
            if (open == 0 && c != '{') {
                continue;
            }
            if (size + 2 > room) {
                room = 2 * room + 4096u;
                message = (char *)realloc(message, room);
                if (message == NULL) {
                    return;
                }
            }
            if (size < MESSAGE_MOST) {
                message[size++] = c == '\0' ? ' ' : c;
            } else {
                too_long = 1;
            }
            if (quoted && c != '\n') {
                quoted = escaped || c != '"';
                escaped = !escaped && c == '\\';
                continue;
            }
            if (c == '"') {
                quoted = 1;
                escaped = 0;
            }
            open += c == '{' ? 1 : (c == '}' ? -1 : 0);
            /* A line cannot end in a string: what is wrong is answered, not waited for. */
            if (open == 0 || (quoted && c == '\n')) {
                message[size] = '\0';
                answer(too_long ? "" : message);
                send_reply(out);
                size = 0;
                open = 0;
                quoted = 0;
                too_long = 0;
            }
        }
    }
}

/* The hello reply with a line for each value. */
static int print_info(void)
{
    size_t i;
    int depth = 0, quoted = 0;
    reply_size = 0;
    say("{");
    hello();
    for (i = 0; i < reply_size; i++) {
        const char c = reply[i];
        if (c == '"' && (i == 0 || reply[i - 1] != '\\')) {
            quoted = !quoted;
        }
        if (!quoted && (c == '}' || c == ']')) {
            printf("\n%*s", 4 * --depth, "");
        }
        putchar(c);
        if (!quoted && (c == '{' || c == '[')) {
            depth++;
        }
        if (!quoted && (c == '{' || c == '[' || c == ',')) {
            printf("\n%*s", 4 * depth, "");
        }
    }
    putchar('\n');
    return 0;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address;
    char temporary[sizeof address.sun_path];
    int file, peer;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof temporary ||
        (size_t)snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid()) >= sizeof temporary) {
        fprintf(stderr, "the path of the socket is too long\n");
        return -1;
    }
    memcpy(address.sun_path, temporary, sizeof temporary);
    file = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(temporary);
    /* Clients connect as soon as the path is there: it appears when somebody listens. */
    if (file < 0 || bind(file, (struct sockaddr *)&address, sizeof address) != 0 || listen(file, 1) != 0 ||
        rename(temporary, path) != 0) {
        perror(path);
        unlink(temporary);
        return -1;
    }
    do {
        peer = accept(file, NULL, NULL);
    } while (peer < 0 && errno == EINTR);
    close(file);
    return peer;
}

/* What is asked of the program itself: its exit status, or -1 when nothing was. */
static int asked(const char *what)
{
    static const struct {
        const char *name, *text;
    } texts[] = {{"--print-manifest", EIM_MANIFEST}, {"--print-proof", EIM_PROOF}, {"--print-licence", EIM_LICENCE}};
    size_t i;
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(what, texts[i].name) == 0) {
            fputs(texts[i].text, stdout);
            return 0;
        }
    }
#ifdef EIM_SELFTEST
    if (strcmp(what, "--self-test") == 0) {
        const int status = EIM_SELFTEST();
        if (status == 0) {
            puts("all windows agree with the reference bit for bit");
        } else {
            printf("the self-test failed with %d: above 0, that window DIFFERS from the reference\n", status);
        }
        return status == 0 ? 0 : 1;
    }
#endif
    return -1;
}

int main(int argc, char **argv)
{
    int peer = -1, told;
    if (argc < 2) {
        fprintf(stderr, "give the path of a socket, `stdin`, `--print-info`, `--self-test`, `--print-manifest`, `--print-proof` or "
                        "`--print-licence`\n");
        return 1;
    }
    told = asked(argv[1]);
    if (told >= 0) {
        return told;
    }
    reply_room = 65536u;
    reply = (char *)malloc(reply_room);
    message = (char *)malloc(4096u);
    if (reply == NULL || message == NULL || EIM_INIT(&handle, arena, sizeof arena) != 0) {
        return 1;
    }
    free(message);
    message = NULL;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGHUP, stop);
    share();
    if (strcmp(argv[1], "--print-info") == 0) {
        print_info();
    } else if (strcmp(argv[1], "stdin") == 0) {
        serve(0, 1);
    } else {
        on_socket = 1;
        peer = listen_at(argv[1]);
        if (peer >= 0) {
            serve(peer, peer);
            unlink(argv[1]);
        }
    }
    if (shm_name[0] != '\0') {
        shm_unlink(shm_name);
    }
    return on_socket && peer < 0 ? 1 : 0;
}
