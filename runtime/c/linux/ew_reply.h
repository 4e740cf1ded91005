/* A reply, as long as it gets. */
#ifndef EW_REPLY_H
#define EW_REPLY_H

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What stands for a number that JSON cannot write. */
#ifndef REPLY_NOT_FINITE
#define REPLY_NOT_FINITE "0"
#endif

static char *reply;
static size_t reply_size, reply_room;

static void stop(int signal_number);

/* Adds to the reply. */
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
            stop(SIGABRT);
        }
    }
}

/* With as many digits as bring the same single-precision number back. */
static void say_number(double v)
{
    if (isfinite(v)) {
        say("%.9g", v);
    } else {
        say(REPLY_NOT_FINITE);
    }
}

#endif
