/* The head of a request of HTTP/1.1, strictly: what is not in the grammar, or could be read in two ways, is refused. */
#ifndef EW_HTTP_H
#define EW_HTTP_H

#include <string.h>
#include <strings.h>

#define TARGET_MOST 255

/* What a body holds. */
enum content { CONTENT_NONE, CONTENT_JSON, CONTENT_BINARY, CONTENT_OTHER };

/* A head that was read. */
struct head {
    char method[16], target[TARGET_MOST + 1];
    int minor;        /* of the version, 0 or 1 */
    int hosts, keep;  /* how many hosts were named; whether the connection stays */
    int closes;       /* whether the client closes it, which counts more */
    int expects;      /* whether the client waits to be told to send the body */
    long length;      /* of the body; -1 when none was told */
    enum content content;
};

static int is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Whether a value is this word, whatever its case, alone or before parameters. */
static int is_word(const char *from, const char *to, const char *word)
{
    const size_t n = strlen(word);
    return (size_t)(to - from) >= n && strncasecmp(from, word, n) == 0 &&
           (from + n == to || from[n] == ';' || from[n] == ' ');
}

/* Whether a list with commas has a word. */
static int lists(const char *from, const char *to, const char *word)
{
    while (from < to) {
        const char *end = (const char *)memchr(from, ',', (size_t)(to - from));
        const char *const next = end == NULL ? to : end + 1;
        end = end == NULL ? to : end;
        while (from < end && (*from == ' ' || *from == '\t')) {
            from++;
        }
        if (is_word(from, end, word)) {
            return 1;
        }
        from = next;
    }
    return 0;
}

/* One field; 0, or the status that refuses the request. */
static int head_field(const char *name, size_t n, const char *from, const char *to, struct head *h)
{
    if (n == 14 && strncasecmp(name, "content-length", n) == 0) {
        long length = 0;
        if (h->length >= 0 || from == to) {
            return 400;
        }
        for (; from < to; from++) {
            if (*from < '0' || *from > '9') {
                return 400;
            }
            if (length > 999999999L / 10) {
                return 413;
            }
            length = 10 * length + (*from - '0');
        }
        h->length = length;
    } else if (n == 17 && strncasecmp(name, "transfer-encoding", n) == 0) {
        return 501;
    } else if (n == 4 && strncasecmp(name, "host", n) == 0) {
        h->hosts++;
    } else if (n == 10 && strncasecmp(name, "connection", n) == 0) {
        if (lists(from, to, "close")) {
            h->closes = 1;
        } else if (lists(from, to, "keep-alive")) {
            h->keep = 1;
        }
    } else if (n == 6 && strncasecmp(name, "expect", n) == 0) {
        if (!is_word(from, to, "100-continue")) {
            return 417;
        }
        h->expects = 1;
    } else if (n == 16 && strncasecmp(name, "content-encoding", n) == 0) {
        if (!is_word(from, to, "identity")) {
            return 415;
        }
    } else if (n == 12 && strncasecmp(name, "content-type", n) == 0) {
        h->content = is_word(from, to, "application/json")           ? CONTENT_JSON
                     : is_word(from, to, "application/octet-stream") ? CONTENT_BINARY
                                                                     : CONTENT_OTHER;
    }
    return 0;
}

/* Reads `size` bytes that end with an empty line; 0, or the status that refuses the request. */
static int head_read(const char *p, size_t size, struct head *h)
{
    const char *const end = p + size;
    size_t n;
    memset(h, 0, sizeof *h);
    h->length = -1;
    for (n = 0; n < sizeof h->method - 1 && is_token(p[n]); n++) {
        h->method[n] = p[n];
    }
    if (n == 0 || p[n] != ' ') {
        return 400;
    }
    p += n + 1;
    for (n = 0; p + n < end && p[n] > ' ' && p[n] < 0x7f; n++) {
        if (n == TARGET_MOST) {
            return 414;
        }
        h->target[n] = p[n];
    }
    if (n == 0 || p[n] != ' ') {
        return 400;
    }
    p += n + 1;
    if (end - p < 10 || memcmp(p, "HTTP/", 5) != 0 || memcmp(p + 8, "\r\n", 2) != 0 || p[6] != '.') {
        return 400;
    }
    if (p[5] != '1' || (p[7] != '0' && p[7] != '1')) {
        return 505;
    }
    h->minor = p[7] - '0';
    h->keep = h->minor;
    for (p += 10; end - p > 2;) {
        const char *name = p, *from, *to;
        int status;
        while (p < end && is_token(*p)) {
            p++;
        }
        if (p == name || *p != ':') {
            return 400;
        }
        n = (size_t)(p - name);
        for (from = p + 1; *from == ' ' || *from == '\t'; from++) {
        }
        for (p = from; *p == '\t' || (unsigned char)*p >= 0x20u; p++) {
            if (*p == 0x7f) {
                return 400;
            }
        }
        if (p[0] != '\r' || p[1] != '\n') {
            return 400;
        }
        for (to = p; to > from && (to[-1] == ' ' || to[-1] == '\t'); to--) {
        }
        status = head_field(name, n, from, to, h);
        if (status != 0) {
            return status;
        }
        p += 2;
    }
    h->keep = h->keep && !h->closes;
    if (h->hosts > 1 || (h->minor == 1 && h->hosts == 0)) {
        return 400;
    }
    return 0;
}

/* The words that go with a status. */
static const char *reason(int status)
{
    static const struct {
        int status;
        const char *words;
    } reasons[] = {{200, "OK"},
                   {400, "Bad Request"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {411, "Length Required"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {415, "Unsupported Media Type"},
                   {417, "Expectation Failed"},
                   {422, "Unprocessable Content"},
                   {431, "Request Header Fields Too Large"},
                   {501, "Not Implemented"},
                   {503, "Service Unavailable"},
                   {505, "HTTP Version Not Supported"}};
    size_t i;
    for (i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) {
            return reasons[i].words;
        }
    }
    return "Error";
}

#endif
