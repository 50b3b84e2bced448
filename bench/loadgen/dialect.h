/* How one server is spoken to: handshake, opening frames, messages, acknowledgements, deliveries.
 *
 * A dialect is a text file, so that another server needs no new C. Every line is one rule:
 *
 *     ROLE path TEXT            the request's path; ROLE is customer, rep, crowd, or all
 *     ROLE header TEXT          one more header of the handshake
 *     ROLE send TEXT            an opening frame, sent when the rules above it are done
 *     ROLE expect TEXT          wait for a frame that contains the text
 *     post TEXT                 the message that a customer sends
 *     acked TEXT                in a frame to the customer: the text before the number of an acknowledged message
 *     delivered TEXT            in a frame to the representative: the text before the number of a delivered message
 *     acked-in TEXT             look for them only in frames that begin with the text
 *     delivered-in TEXT         the same for deliveries
 *     answer TEXT => TEXT       a frame that begins with the first text is answered with the second
 *     count TEXT                frames to the crowd that contain the text are counted
 *     numbers hex|decimal       how {seq} is written; eight digits in hex (the default), as short as possible in decimal
 *     first NUMBER              the first message's number on every connection (default 1)
 *
 * Words in braces are replaced: {pair} and {crowd} (numbers from 0), {run} (eight hex digits, new for every run), {seq}
 * (the message's number), {text} (words of the wanted length), {host}, and any column of the seats file. All other
 * braces are themselves. Lines that begin with # and empty lines are skipped.
 */
#ifndef HOLDLINE_BENCH_DIALECT_H
#define HOLDLINE_BENCH_DIALECT_H

#include <stddef.h>
#include <stdint.h>

enum role { CUSTOMER, REP, CROWD, ROLES };

/* A rule's text, cut at its words in braces. */
struct template {
    struct piece {
        enum { LITERAL, PAIR, RUN, SEQ, TEXT, HOST, COLUMN } kind;
        const char *literal;
        size_t length; /* of the literal */
        int column;
    } *pieces;
    int count;
};

/* Tab-separated values: a line of column names, then one line for each pair or each member of the crowd. */
struct seats {
    int columns, rows;
    char **names;
    char ***cells; /* [row][column] */
};

struct step {
    enum { SEND, EXPECT } kind;
    struct template text;
};

enum { HEADERS_MAX = 8, STEPS_MAX = 16, ANSWERS_MAX = 4 };

struct dialect {
    struct {
        struct template path, headers[HEADERS_MAX];
        int header_count;
        struct step steps[STEPS_MAX];
        int step_count;
    } roles[ROLES];
    struct template post;
    char *acked, *acked_in, *delivered, *delivered_in, *counted; /* NULL when the dialect does not name them */
    struct {
        char *begins, *answer;
    } answers[ANSWERS_MAX];
    int answer_count;
    int decimal;
    uint32_t first;
};

struct values {
    uint32_t index; /* of the pair, or in the crowd */
    uint32_t seq;
    const char *host;
    const struct seats *seats; /* may be NULL */
    size_t text_bytes;         /* length of {text} */
};

/* Both end the program with a sentence when the file cannot be used. The seats only give the names of columns. */
struct dialect *dialect_read(const char *path, const char *run, const struct seats *pairs, const struct seats *crowd);
struct seats *seats_read(const char *path);

/* Fill in the words; returns the length. */
size_t template_fill(const struct template *template, const struct values *values, const char *run, int decimal,
                     char *out, size_t room);

#endif
