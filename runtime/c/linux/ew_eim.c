/* A Linux program that serves a library over a Unix socket or standard input: one JSON message after the other.
 *
 * A message ends with the brace that closes it; braces in strings do not count. Replies are one line; on a socket a zero
 * byte follows. `ew_model_config.h` names the library and holds the texts of the hello reply.
 */
#define _GNU_SOURCE
#include "ew_json.h"
#include "ew_model.h"
#include "ew_reply.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_MOST (32u * 1024u * 1024u)
#define SLICES 4
#define SMOOTHED 2

static float stream[EW_MODEL_INPUT_COUNT], history[SMOOTHED][EW_MODEL_OUTPUT_COUNT];
static unsigned long streamed, smoothed;
static char *message, shm_name[64];
static float *shm;
static int initialised, on_socket;

static void stop(int signal_number)
{
    if (shm_name[0] != '\0') {
        shm_unlink(shm_name);
    }
    _exit(128 + signal_number);
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

/* Behind a number, which goes to `v`. */
static const char *number(const char *p, double *v)
{
    const char *end = number_end(p);
    if (end != NULL) {
        *v = strtod(p, NULL);
    }
    return end;
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
    say("\"success\":true,\"project\":" EW_MODEL_PROJECT ",\"model_parameters\":" EW_MODEL_PARAMETERS
        ",\"inferencing_engine\":{\"engine_type\":\"none\",\"properties\":[]}");
    if (shm != NULL) {
        say(",\"features_shm\":{\"name\":\"%s\",\"size_bytes\":%lu,\"type\":\"float32\",\"elements\":%d}", shm_name,
            (unsigned long)sizeof values, EW_MODEL_INPUT_COUNT);
    } else {
        say(",\"features_shm_error\":\"shared memory could not be made\"");
    }
    say("}");
}

/* Classifies `from`; with `smooth` the mean of the last results. */
static void classify(const float *from, int smooth, double begun)
{
    struct times times;
    int i, k;
    if (compute(from, &times) != 0) {
        fail("the window could not be classified: a value is not a number");
        return;
    }
    if (smooth) {
        const unsigned long count = ++smoothed < SMOOTHED ? smoothed : SMOOTHED;
        memcpy(history[smoothed % SMOOTHED], outputs, sizeof outputs);
        for (i = 0; i < EW_MODEL_LABEL_COUNT; i++) {
            float sum = 0.0f;
            for (k = 0; k < (int)count; k++) {
                sum += history[(smoothed - (unsigned long)k) % SMOOTHED][i + EW_MODEL_LABELS_AT];
            }
            outputs[i + EW_MODEL_LABELS_AT] = sum / (float)count;
        }
    }
    say("\"success\":true,\"result\":{");
    tell();
    say("},\"timing\":{\"dsp\":");
    say_number(times.extracted - times.begun);
    say(",\"classification\":");
    say_number(times.classified - times.extracted);
    say(",\"anomaly\":0,\"json\":");
    say_number(times.begun - begun);
    say(",\"stdin\":0,\"msg_handler\":");
    say_number(times.classified - begun);
    say("}}");
}

static void slice(const float *from, long n, double begun)
{
    int i;
    memmove(stream, stream + n, sizeof(float) * (size_t)(EW_MODEL_INPUT_COUNT - n));
    memcpy(stream + EW_MODEL_INPUT_COUNT - n, from, sizeof(float) * (size_t)n);
    streamed += (unsigned long)n;
    /* Where the window is no multiple of the slice, the first one begins with some zeros. */
    if (streamed >= (unsigned long)SLICES * EW_MODEL_SLICE_SIZE) {
        streamed = (unsigned long)SLICES * EW_MODEL_SLICE_SIZE;
        classify(stream, 1, begun);
        return;
    }
    say("\"success\":true,\"result\":{");
    if (EW_MODEL_LABEL_COUNT > 0) {
        static const char *const labels[] = EW_MODEL_LABELS;
        say("\"classification\":{");
        for (i = 0; i < EW_MODEL_LABEL_COUNT; i++) {
            say("%s%s:0", i > 0 ? "," : "", labels[i]);
        }
        say("}");
    }
    if (EW_MODEL_ANOMALY_AT >= 0) {
        say("%s\"anomaly\":0", EW_MODEL_LABEL_COUNT > 0 ? "," : "");
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
        *n = numbers(body, values, EW_MODEL_INPUT_COUNT);
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
            const float *from = request(body, k % 2, continuous ? EW_MODEL_SLICE_SIZE : EW_MODEL_INPUT_COUNT, &n);
            if (from != NULL && continuous) {
                slice(from, n, begun);
            } else if (from != NULL) {
                classify(from, 0, begun);
            }
            return;
        }
    }
#ifdef EW_MODEL_DECODE
    body = find(m, "set_threshold");
    if (body != NULL && *body == '{') {
        double block = -1.0, score = 0.0;
        const char *of = find(body, "id"), *at = find(body, "min_score");
        if (of == NULL || number(of, &block) == NULL || block != (double)EW_MODEL_BOX_THRESHOLD_ID) {
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
    if (reply == NULL || message == NULL || EW_MODEL_INIT(&handle, arena, sizeof arena) != 0) {
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
