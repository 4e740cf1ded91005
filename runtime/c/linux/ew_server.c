/* A Linux program that answers over HTTP/1.1: `GET /health`, `GET /api/info`, `POST /api/features`.
 *
 * One thread, no file, no other process. Whatever a client may choose has a limit: connections, sizes, time. Scores are written
 * with nine significant digits, which bring the same single-precision number back.
 */
#define _GNU_SOURCE
#define REPLY_NOT_FINITE "null"
#include "ew_http.h"
#include "ew_json.h"
#include "ew_model.h"
#include "ew_reply.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MOST 64
#define HEAD_MOST 8192
/* A value takes at most 16 characters with its comma when it is written well, twice that when it is not. */
#define BODY_MOST (4096L + 32L * EW_MODEL_INPUT_COUNT)
#ifndef REQUEST_MS
#define REQUEST_MS 30000.0 /* from the first byte of a request to the last of its reply, and between two requests */
#endif
#define PATIENCE_MS 1000.0 /* of that, before a new client may take the place of one that is still sending */
#define DRAIN_MS 1000.0    /* what a refused client still sends is read for so long, lest it miss the refusal */
#define TURNS 32           /* before it is another connection's turn */
#define LISTEN "127.0.0.1:1337"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values in binary are little-endian, as is every target of this program"
#endif

struct connection {
    int file;
    int close;    /* when the reply is written */
    int draining; /* the reply was written, the client's rest is thrown away */
    int told;     /* to go on with the body */
    int more;     /* what has arrived was not looked at yet */
    double deadline;
    char *in, *out;
    size_t in_size, in_room, out_size, out_at;
};

static struct connection connections[CONNECTIONS_MOST];
static int count;

static void stop(int signal_number)
{
    _exit(signal_number == SIGTERM || signal_number == SIGINT ? 0 : 128 + signal_number);
}

static int is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Sends a head with `fields`, and the reply, which is left out when only the head was asked for. */
static void respond(struct connection *c, int status, const char *fields, int keep, int whole)
{
    char head[256];
    const int n = snprintf(head, sizeof head,
                           "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %lu\r\n%s"
                           "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: %s\r\n\r\n",
                           status, reason(status), (unsigned long)reply_size, fields, keep ? "keep-alive" : "close");
    const size_t body = whole ? reply_size : 0u;
    c->out = (char *)malloc((size_t)n + body);
    if (c->out == NULL) {
        stop(SIGABRT);
        return;
    }
    memcpy(c->out, head, (size_t)n);
    memcpy(c->out + n, reply, body);
    c->out_size = (size_t)n + body;
    c->out_at = 0;
    c->close = !keep;
}

static void refuse_with(struct connection *c, int status, const char *fields, int whole, const char *words)
{
    reply_size = 0;
    say("{\"success\":false,\"error\":\"%s\"}\n", words);
    respond(c, status, fields, 0, whole);
}

static void refuse(struct connection *c, int status, int whole, const char *words)
{
    refuse_with(c, status, "", whole, words);
}

static void info(void)
{
    say("{\"project\":" EW_MODEL_PROJECT ",\"modelParameters\":" EW_MODEL_PARAMETERS ",\"versions\":{\"api\":1,\"generator\":\"" EW_MODEL_GENERATOR
        "\"},\"limits\":{\"body_bytes\":%ld,\"connections\":%d}}\n",
        BODY_MOST, CONNECTIONS_MOST);
}

/* Classifies the values of a body; the status of the reply. A window follows none: requests of many clients come in any order. */
static int classify(const char *body, size_t size, enum content content, double begun)
{
    struct times times;
    if (content == CONTENT_BINARY) {
        if (size != sizeof values) {
            say("{\"success\":false,\"error\":\"%lu bytes instead of %lu\"}\n", (unsigned long)size, (unsigned long)sizeof values);
            return 400;
        }
        memcpy(values, body, sizeof values);
    } else {
        const char *end = strlen(body) == size ? value(body, DEPTH_MOST) : NULL;
        const char *array = end != NULL && *space(end) == '\0' ? find(body, "features") : NULL;
        const long n = array != NULL ? numbers(array, values, EW_MODEL_INPUT_COUNT) : -1;
        if (n != EW_MODEL_INPUT_COUNT) {
            if (n < 0) {
                say("{\"success\":false,\"error\":\"the body is no JSON object with an array of numbers named features\"}\n");
            } else {
                say("{\"success\":false,\"error\":\"%ld values instead of %d\"}\n", n, EW_MODEL_INPUT_COUNT);
            }
            return 400;
        }
    }
    if (EW_MODEL_INIT(&handle, arena, sizeof arena) != 0 || compute(values, &times) != 0) {
        say("{\"success\":false,\"error\":\"the window could not be classified: a value is not a number\"}\n");
        return 422;
    }
    say("{\"result\":{");
    tell();
    say("},\"timing\":{\"dsp\":");
    say_number(times.extracted - times.begun);
    say(",\"classification\":");
    say_number(times.classified - times.extracted);
    say(",\"anomaly\":0,\"json\":");
    say_number(times.begun - begun);
    say("}}\n");
    return 200;
}

/* Handles what has arrived of a request; 1 when it was answered. */
static int handle_request(struct connection *c)
{
    struct head h;
    const char *blank = (const char *)memmem(c->in, c->in_size, "\r\n\r\n", 4);
    const size_t head = blank == NULL ? 0u : (size_t)(blank - c->in) + 4u;
    const double begun = now_ms();
    size_t length;
    int status, get, whole;
    if (head > HEAD_MOST || (head == 0u && c->in_size >= HEAD_MOST)) {
        refuse(c, 431, 1, "the head of the request is too long");
        return 1;
    }
    if (head == 0u) {
        return 0;
    }
    status = head_read(c->in, head, &h);
    if (status != 0) {
        refuse(c, status, 1, "the head of the request is not accepted");
        return 1;
    }
    whole = !is(h.method, "HEAD");
    get = is(h.method, "GET") || !whole;
    if (!is(h.target, "/health") && !is(h.target, "/api/info") && !is(h.target, "/api/features")) {
        refuse(c, 404, whole, "there is GET /health, GET /api/info and POST /api/features");
        return 1;
    }
    if (is(h.target, "/api/features") ? !is(h.method, "POST") : !get) {
        refuse_with(c, 405, is(h.target, "/api/features") ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n",
                    whole, "there is GET /health, GET /api/info and POST /api/features");
        return 1;
    }
    if (h.length < 0 && !get) {
        refuse(c, 411, whole, "the length of the body is not told");
        return 1;
    }
    if (h.length > (get ? 0 : BODY_MOST)) {
        refuse(c, 413, whole, "the body is too long");
        return 1;
    }
    if (!get && h.content != CONTENT_JSON && h.content != CONTENT_BINARY) {
        refuse(c, 415, whole, "values come as application/json or as application/octet-stream");
        return 1;
    }
    length = h.length > 0 ? (size_t)h.length : 0u;
    if (c->in_size < head + length) {
        if (h.expects && !c->told) {
            static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
            c->told = 1;
            /* Into an empty buffer: it fits, or the client waits no longer than it likes. */
            (void)!write(c->file, go_on, sizeof go_on - 1);
        }
        if (c->in_room < head + length + 1) {
            char *more = (char *)realloc(c->in, head + length + 1);
            if (more == NULL) {
                refuse(c, 503, whole, "there is no memory for the body");
                return 1;
            }
            c->in = more;
            c->in_room = head + length + 1;
        }
        return 0;
    }
    reply_size = 0;
    if (is(h.target, "/health")) {
        say("{\"status\":\"ok\"}\n");
        status = 200;
    } else if (is(h.target, "/api/info")) {
        info();
        status = 200;
    } else {
        const char behind = c->in[head + length];
        c->in[head + length] = '\0';
        status = classify(c->in + head, length, h.content, begun);
        c->in[head + length] = behind;
    }
    respond(c, status, "", h.keep, whole);
    c->in_size -= head + length;
    memmove(c->in, c->in + head + length, c->in_size);
    c->told = 0;
    return 1;
}

static void drop(struct connection *c)
{
    close(c->file);
    free(c->in);
    free(c->out);
    *c = connections[--count];
}

/* Reads, answers and writes as far as it goes without waiting; 0 when the connection is at its end. */
static int serve(struct connection *c, double now)
{
    int turns;
    c->more = 0;
    for (turns = 0; turns < TURNS; turns++) {
        ssize_t n;
        if (c->out != NULL) {
            n = write(c->file, c->out + c->out_at, c->out_size - c->out_at);
            if (n < 0) {
                return errno == EAGAIN || errno == EINTR;
            }
            c->out_at += (size_t)n;
            if (c->out_at < c->out_size) {
                continue;
            }
            free(c->out);
            c->out = NULL;
            c->deadline = now + REQUEST_MS;
            if (c->close) {
                if (shutdown(c->file, SHUT_WR) != 0) {
                    return 0;
                }
                c->draining = 1;
                c->deadline = now + DRAIN_MS;
            }
        }
        if (c->draining) {
            c->in_size = 0;
        } else if (c->in_size > 0u && handle_request(c)) {
            continue;
        }
        if (c->in_size + 1u >= c->in_room) {
            return 0; /* cannot be: what is waited for has room */
        }
        n = read(c->file, c->in + c->in_size, c->in_room - c->in_size - 1u);
        if (n <= 0) {
            return n < 0 && (errno == EAGAIN || errno == EINTR);
        }
        if (c->in_size == 0u && !c->draining) {
            c->deadline = now + REQUEST_MS;
        }
        c->in_size += (size_t)n;
    }
    c->more = 1;
    return 1;
}

static void welcome(int listener, double now)
{
    const int one = 1;
    struct connection *c = &connections[count];
    const int file = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (file < 0) {
        return;
    }
    memset(c, 0, sizeof *c);
    c->file = file;
    c->deadline = now + REQUEST_MS;
    c->in_room = HEAD_MOST + 2;
    c->in = (char *)malloc(c->in_room);
    if (c->in == NULL) {
        close(file);
        return;
    }
    (void)setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    count++;
}

/* The connection that makes room for a new one, or -1: the oldest that said nothing or has been at one request for a while, lest a
 * few of them shut everybody out. */
static int oldest(double now)
{
    int i, found = -1;
    for (i = 0; i < count; i++) {
        const struct connection *c = &connections[i];
        const int waits = c->out == NULL && !c->draining &&
                          (c->in_size == 0u || c->deadline < now + REQUEST_MS - PATIENCE_MS);
        if (waits && (found < 0 || c->deadline < connections[found].deadline)) {
            found = i;
        }
    }
    return found;
}

static int run(int listener)
{
    struct pollfd files[CONNECTIONS_MOST + 1];
    for (;;) {
        double now = now_ms(), next = now + 60000.0;
        int i;
        for (i = 0; i < count; i++) {
            files[i].fd = connections[i].file;
            files[i].events = connections[i].out != NULL ? POLLOUT : POLLIN;
            files[i].revents = 0;
            next = connections[i].deadline < next ? connections[i].deadline : next;
            next = connections[i].more ? now : next;
        }
        files[count].fd = listener;
        if (count == CONNECTIONS_MOST && oldest(now) < 0) {
            files[count].fd = -1;
            next = now + 100.0 < next ? now + 100.0 : next;
        }
        files[count].events = POLLIN;
        files[count].revents = 0;
        if (poll(files, (nfds_t)count + 1u, next > now ? (int)(next - now) + 1 : 0) < 0 && errno != EINTR) {
            perror("poll");
            return 1;
        }
        now = now_ms();
        if (files[count].revents != 0) {
            const int gone = count == CONNECTIONS_MOST ? oldest(now) : -1;
            if (gone >= 0) {
                files[gone].fd = -1;
                drop(&connections[gone]);
            }
            if (count < CONNECTIONS_MOST) {
                welcome(listener, now); /* behind the others, which keep their places */
            }
        }
        for (i = count - 1; i >= 0; i--) {
            struct connection *c = &connections[i];
            const int ready = c->more || (files[i].fd == c->file && files[i].revents != 0);
            if (ready && !serve(c, now)) {
                drop(c);
            } else if (now >= c->deadline) {
                if (c->out == NULL && !c->draining && c->in_size > 0u) {
                    refuse(c, 408, 1, "the request took too long");
                    c->deadline = now + DRAIN_MS;
                    if (serve(c, now)) {
                        continue;
                    }
                }
                drop(c);
            }
        }
    }
}

/* A socket that listens at `ADDRESS:PORT` or `[ADDRESS]:PORT`, or -1. */
static int listen_at(const char *where)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } at;
    char host[64];
    const char *colon = strrchr(where, ':');
    const size_t n = colon == NULL ? sizeof host : (size_t)(colon - where);
    const int one = 1, six = where[0] == '[';
    socklen_t size = six ? sizeof at.six : sizeof at.four;
    long port = -1;
    char *end = NULL;
    int file, good = 0;
    memset(&at, 0, sizeof at);
    if (n > 1u && n < sizeof host && colon[1] >= '0' && colon[1] <= '9') {
        port = strtol(colon + 1, &end, 10);
        memcpy(host, where, n);
        host[six ? n - 1 : n] = '\0';
        if (six) {
            at.six.sin6_family = AF_INET6;
            at.six.sin6_port = htons((uint16_t)port);
            good = where[n - 1] == ']' && inet_pton(AF_INET6, host + 1, &at.six.sin6_addr) == 1;
        } else {
            at.four.sin_family = AF_INET;
            at.four.sin_port = htons((uint16_t)port);
            good = inet_pton(AF_INET, host, &at.four.sin_addr) == 1;
        }
    }
    if (!good || port > 65535 || *end != '\0') {
        fprintf(stderr, "%s: give an address and a port, such as " LISTEN " or [::1]:1337\n", where);
        return -1;
    }
    file = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0 || setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 || bind(file, &at.any, size) != 0 ||
        listen(file, CONNECTIONS_MOST) != 0 || getsockname(file, &at.any, &size) != 0) {
        perror(where);
        return -1;
    }
    printf("listening on %.*s:%u\n", (int)n, where, (unsigned)ntohs(six ? at.six.sin6_port : at.four.sin_port));
    fflush(stdout);
    return file;
}

int main(int argc, char **argv)
{
    const char *where = LISTEN;
    int told, listener;
    if (argc == 3 && is(argv[1], "--listen")) {
        where = argv[2];
    } else if (argc > 1) {
        told = argc == 2 ? asked(argv[1]) : -1;
        if (told < 0) {
            fprintf(stderr, "give nothing, `--listen ADDRESS:PORT`, `--self-test`, `--print-manifest`, `--print-proof` or "
                            "`--print-licence`\n");
        }
        return told < 0 ? 2 : told;
    }
    reply_room = 65536u;
    reply = (char *)malloc(reply_room);
    if (reply == NULL || EW_MODEL_INIT(&handle, arena, sizeof arena) != 0) {
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    listener = listen_at(where);
    return listener < 0 ? 1 : run(listener);
}
