#define _GNU_SOURCE
#include "dialect.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

static int column_of(const struct seats *seats, const char *name, size_t length) {
    for (int i = 0; seats && i < seats->columns; i++)
        if (strlen(seats->names[i]) == length && !memcmp(seats->names[i], name, length)) return i;
    return -1;
}

/* The kind of a word in braces; LITERAL when it is none. */
static int word_kind(const char *name, size_t length, const struct seats *seats, int *column) {
    static const struct {
        const char *name;
        int kind;
    } words[] = {{"pair", PAIR}, {"crowd", PAIR}, {"run", RUN}, {"seq", SEQ}, {"text", TEXT}, {"host", HOST}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].name) == length && !memcmp(words[i].name, name, length)) return words[i].kind;
    *column = column_of(seats, name, length);
    return *column >= 0 ? COLUMN : LITERAL;
}

static struct template parse(const char *text, const struct seats *seats) {
    struct template out = {calloc(2 * strlen(text) + 1, sizeof *out.pieces), 0};
    const char *start = text, *at = text;
    while (*at) {
        size_t length = 0;
        if (*at == '{')
            while (islower((unsigned char)at[1 + length]) || at[1 + length] == '_') length++;
        int column = -1, kind = LITERAL;
        if (length && at[1 + length] == '}') kind = word_kind(at + 1, length, seats, &column);
        if (kind == LITERAL) {
            at++;
            continue;
        }
        if (at > start) out.pieces[out.count++] = (struct piece){LITERAL, strndup(start, (size_t)(at - start)), (size_t)(at - start), 0};
        out.pieces[out.count++] = (struct piece){kind, NULL, 0, column};
        at += length + 2;
        start = at;
    }
    if (at > start) out.pieces[out.count++] = (struct piece){LITERAL, strdup(start), (size_t)(at - start), 0};
    return out;
}

size_t template_fill(const struct template *template, const struct values *values, const char *run, int decimal,
                     char *out, size_t room) {
    static const char words[] = "The report shows yesterday's rate for the receipt although it was changed this morning; ";
    size_t at = 0;
    for (int i = 0; i < template->count; i++) {
        const struct piece *piece = &template->pieces[i];
        char number[16];
        const char *source = number;
        size_t length = 0;
        switch (piece->kind) {
            case LITERAL: source = piece->literal, length = piece->length; break;
            case PAIR: length = (size_t)snprintf(number, sizeof number, "%u", values->index); break;
            case RUN: source = run, length = strlen(run); break;
            case SEQ: length = (size_t)snprintf(number, sizeof number, decimal ? "%u" : "%08x", values->seq); break;
            case HOST: source = values->host, length = strlen(source); break;
            case TEXT: source = NULL, length = values->text_bytes; break;
            case COLUMN:
                source = values->seats->cells[values->index % (uint32_t)values->seats->rows][piece->column];
                length = strlen(source);
                break;
        }
        if (at + length > room) fail("a frame of the dialect is longer than %zu bytes", room);
        if (source) memcpy(out + at, source, length);
        else for (size_t j = 0; j < length; j++) out[at + j] = words[j % (sizeof words - 1)];
        at += length;
    }
    return at;
}

/* A text that only {run} may vary: replaced once, when the dialect is read. */
static char *constant(const char *text, const char *run) {
    struct template template = parse(text, NULL);
    struct values values = {.host = ""};
    char *out = malloc(4096);
    out[template_fill(&template, &values, run, 0, out, 4095)] = 0;
    return out;
}

static void role_rule(struct dialect *dialect, int role, const char *verb, const char *text, const struct seats *seats) {
    struct template template = parse(text, seats);
    if (!strcmp(verb, "path")) {
        dialect->roles[role].path = template;
    } else if (!strcmp(verb, "header")) {
        if (dialect->roles[role].header_count == HEADERS_MAX) fail("more than %d headers", HEADERS_MAX);
        dialect->roles[role].headers[dialect->roles[role].header_count++] = template;
    } else if (!strcmp(verb, "send") || !strcmp(verb, "expect")) {
        if (dialect->roles[role].step_count == STEPS_MAX) fail("more than %d opening steps", STEPS_MAX);
        dialect->roles[role].steps[dialect->roles[role].step_count++] =
            (struct step){*verb == 's' ? SEND : EXPECT, template};
    } else {
        fail("the dialect has no rule \"%s\"", verb);
    }
}

static void rule(struct dialect *dialect, char *line, const char *run, const struct seats *pairs, const struct seats *crowd) {
    static const char *const roles[] = {"customer", "rep", "crowd"};
    char *space = strchr(line, ' ');
    if (!space) fail("a rule of the dialect has no text: %s", line);
    *space = 0;
    char *text = space + 1;
    for (int role = 0; role < ROLES; role++) {
        if (strcmp(line, roles[role]) && strcmp(line, "all")) continue;
        char *copy = strdup(text), *end = strchr(copy, ' ');
        if (!end) fail("a rule of the dialect has no text: %s %s", line, text);
        *end = 0;
        role_rule(dialect, role, copy, end + 1, role == CROWD ? crowd : pairs);
        if (strcmp(line, "all")) return;
        if (role == ROLES - 1) return;
    }
    if (!strcmp(line, "post")) dialect->post = parse(text, pairs);
    else if (!strcmp(line, "acked")) dialect->acked = constant(text, run);
    else if (!strcmp(line, "acked-in")) dialect->acked_in = constant(text, run);
    else if (!strcmp(line, "delivered")) dialect->delivered = constant(text, run);
    else if (!strcmp(line, "delivered-in")) dialect->delivered_in = constant(text, run);
    else if (!strcmp(line, "count")) dialect->counted = constant(text, run);
    else if (!strcmp(line, "numbers")) dialect->decimal = !strcmp(text, "decimal");
    else if (!strcmp(line, "first")) dialect->first = (uint32_t)strtoul(text, NULL, 10);
    else if (!strcmp(line, "answer")) {
        char *arrow = strstr(text, " => ");
        if (!arrow || dialect->answer_count == ANSWERS_MAX) fail("an answer that cannot be used: %s", text);
        *arrow = 0;
        dialect->answers[dialect->answer_count].begins = strdup(text);
        dialect->answers[dialect->answer_count++].answer = strdup(arrow + 4);
    } else fail("the dialect has no rule \"%s\"", line);
}

struct dialect *dialect_read(const char *path, const char *run, const struct seats *pairs, const struct seats *crowd) {
    struct dialect *dialect = calloc(1, sizeof *dialect);
    dialect->first = 1;
    FILE *file = fopen(path, "r");
    if (!file) fail("%s cannot be read", path);
    char *line = NULL;
    size_t room = 0;
    for (ssize_t size; (size = getline(&line, &room, file)) > 0;) {
        if (line[size - 1] == '\n') line[--size] = 0;
        if (size && line[0] != '#') rule(dialect, line, run, pairs, crowd);
    }
    free(line);
    fclose(file);
    return dialect;
}

static char **cut(char *line, int *count) {
    char **cells = NULL;
    *count = 0;
    for (char *cell; (cell = strsep(&line, "\t"));) {
        cells = realloc(cells, (size_t)(*count + 1) * sizeof *cells);
        cells[(*count)++] = strdup(cell);
    }
    return cells;
}

struct seats *seats_read(const char *path) {
    struct seats *seats = calloc(1, sizeof *seats);
    FILE *file = fopen(path, "r");
    if (!file) fail("%s cannot be read", path);
    char *line = NULL;
    size_t room = 0;
    for (ssize_t size; (size = getline(&line, &room, file)) > 0;) {
        if (line[size - 1] == '\n') line[--size] = 0;
        if (!size) continue;
        int count;
        char **cells = cut(line, &count);
        if (!seats->names) {
            seats->names = cells;
            seats->columns = count;
            continue;
        }
        if (count != seats->columns) fail("%s: row %d has %d cells, not %d", path, seats->rows + 1, count, seats->columns);
        seats->cells = realloc(seats->cells, (size_t)(seats->rows + 1) * sizeof *seats->cells);
        seats->cells[seats->rows++] = cells;
    }
    free(line);
    fclose(file);
    if (!seats->rows) fail("%s has no rows", path);
    return seats;
}
