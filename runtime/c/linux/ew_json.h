/* Reads JSON in place: a text that ends with a zero byte. */
#ifndef EW_JSON_H
#define EW_JSON_H

#include <stdlib.h>
#include <string.h>

#define DEPTH_MOST 64

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

static const char *digits(const char *p)
{
    if (*p < '0' || *p > '9') {
        return NULL;
    }
    while (*p >= '0' && *p <= '9') {
        p++;
    }
    return p;
}

/* Behind a number; NULL where there is none. The grammar of JSON is narrower than that of strtod. */
static const char *number_end(const char *p)
{
    p += *p == '-';
    p = *p == '0' ? p + 1 : digits(p);
    if (p != NULL && *p == '.') {
        p = digits(p + 1);
    }
    if (p != NULL && (*p == 'e' || *p == 'E')) {
        p++;
        p = digits(p + (*p == '+' || *p == '-'));
    }
    return p;
}

static const char *value(const char *p, int depth)
{
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
    return number_end(p);
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
        const char *begin = space(p);
        p = number_end(begin);
        if (p == NULL) {
            return -1;
        }
        if (n < room) {
            out[n] = strtof(begin, NULL); /* not by way of double, which would round twice */
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

#endif
