/* WebSocket framing and handshake arithmetic (RFC 6455), without any input or output.
 *
 * Knows short, unfragmented messages without extensions: that is all the measurements send, and a peer that answers
 * otherwise is refused loudly instead of being measured wrongly.
 */
#ifndef HOLDLINE_BENCH_WIRE_H
#define HOLDLINE_BENCH_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum opcode { OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

/* Longest header of a frame: two bytes, eight of length, four of mask. */
enum { WIRE_HEADER_MAX = 14 };

struct frame {
    int opcode;
    uint8_t *payload; /* inside the caller's buffer, unmasked in place; not terminated */
    size_t length;
};

/* Write a frame to out, which has room for length + WIRE_HEADER_MAX bytes; returns its size.
 * masked is 1 for clients, with a fresh mask for every frame, and 0 for servers, where mask is not used. */
size_t wire_write(uint8_t *out, int opcode, const void *payload, size_t length, int masked, uint32_t mask);

/* Take the next frame from the buffer. Returns the bytes it took, 0 when it is not complete yet, -1 when it is
 * fragmented, compressed or larger than limit. */
long wire_read(uint8_t *buffer, size_t size, size_t limit, struct frame *frame);

/* The answer to a client's Sec-WebSocket-Key: 28 characters and a NUL. */
void wire_accept(const char *key, size_t key_length, char out[29]);

#endif
