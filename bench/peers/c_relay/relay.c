/* The ceiling: the pair relay in C on one epoll, without a store.
 *
 * Takes a customer's message, acknowledges it, passes it on to the representative of the same pair. It parses no JSON and
 * checks nothing, because it is not a chat server: it shows what the kernel's sockets cost, and that the load generator
 * is faster than every server it measures.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../loadgen/wire.h"

enum { PEOPLE = 65536, ROOM = 8192, KEY_DIGITS = 16 };

struct person {
    int fd, is_customer, is_open;
    uint32_t pair;
    size_t size;
    uint8_t bytes[ROOM];
};

static struct person *customers[PEOPLE], *reps[PEOPLE];

static void leave(struct person *person) {
    struct person **place = person->is_customer ? &customers[person->pair] : &reps[person->pair];
    if (person->is_open && *place == person) *place = NULL;
    close(person->fd);
    free(person);
}

static void send_text(struct person *to, const void *text, size_t length) {
    uint8_t frame[ROOM + WIRE_HEADER_MAX];
    size_t size = wire_write(frame, OP_TEXT, text, length, 0, 0);
    if (to) (void)!send(to->fd, frame, size, MSG_NOSIGNAL);
}

static void welcome(struct person *person) {
    uint8_t *end = memmem(person->bytes, person->size, "\r\n\r\n", 4);
    if (!end) return;
    char side, accept[29], answer[256];
    char *key = memmem(person->bytes, person->size, "Sec-WebSocket-Key: ", 19);
    if (!key || sscanf((char *)person->bytes, "GET /%c/%u", &side, &person->pair) != 2 || person->pair >= PEOPLE) return;
    key += 19;
    wire_accept(key, strcspn(key, "\r"), accept);
    person->is_customer = side == 'c';
    person->is_open = 1;
    *(person->is_customer ? &customers[person->pair] : &reps[person->pair]) = person;
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    (void)!send(person->fd, answer, (size_t)length, MSG_NOSIGNAL);
    person->size = 0;
}

static int relay(struct person *person) {
    size_t at = 0;
    struct frame frame;
    for (long taken; (taken = wire_read(person->bytes + at, person->size - at, ROOM, &frame)); at += (size_t)taken) {
        if (taken < 0 || frame.opcode == OP_CLOSE) return 0;
        char *key = memmem(frame.payload, frame.length, "\"key\":\"", 7);
        if (frame.opcode != OP_TEXT || !key) continue;
        char ack[64];
        int length = snprintf(ack, sizeof ack, "{\"ack\":\"%.*s\"}", KEY_DIGITS, key + 7);
        send_text(person, ack, (size_t)length);
        send_text(reps[person->pair], frame.payload, frame.length);
    }
    memmove(person->bytes, person->bytes + at, person->size - at);
    person->size -= at;
    return 1;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM, 0), one = 1, poll = epoll_create1(0);
    if (bind(door, (struct sockaddr *)&address, size) || listen(door, 4096)) return 1;
    getsockname(door, (struct sockaddr *)&address, &size);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, door, &event);
    for (;;) {
        int count = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct person *person = events[i].data.ptr;
            if (!person) {
                person = calloc(1, sizeof *person);
                person->fd = accept4(door, NULL, NULL, SOCK_NONBLOCK);
                setsockopt(person->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event = (struct epoll_event){.events = EPOLLIN, .data.ptr = person};
                epoll_ctl(poll, EPOLL_CTL_ADD, person->fd, &event);
                continue;
            }
            ssize_t got = recv(person->fd, person->bytes + person->size, ROOM - person->size, 0);
            if (got <= 0) {
                leave(person);
                continue;
            }
            person->size += (size_t)got;
            if (!person->is_open) welcome(person);
            else if (!relay(person)) leave(person);
        }
    }
}
