#include "wire.h"

#include <string.h>

static void apply_mask(uint8_t *data, size_t length, uint32_t mask) {
    uint64_t wide = ((uint64_t)mask << 32) | mask;
    size_t at = 0;
    for (; at + 8 <= length; at += 8) {
        uint64_t word;
        memcpy(&word, data + at, 8);
        word ^= wide;
        memcpy(data + at, &word, 8);
    }
    uint8_t bytes[4];
    memcpy(bytes, &mask, 4);
    for (; at < length; at++) data[at] ^= bytes[at & 3];
}

size_t wire_write(uint8_t *out, int opcode, const void *payload, size_t length, int masked, uint32_t mask) {
    size_t head = 2;
    out[0] = (uint8_t)(0x80 | opcode);
    uint8_t flag = masked ? 0x80 : 0;
    if (length < 126) {
        out[1] = (uint8_t)(flag | length);
    } else if (length < 65536) {
        out[1] = (uint8_t)(flag | 126);
        out[2] = (uint8_t)(length >> 8);
        out[3] = (uint8_t)length;
        head = 4;
    } else {
        out[1] = (uint8_t)(flag | 127);
        for (int at = 0; at < 8; at++) out[2 + at] = (uint8_t)((uint64_t)length >> (56 - 8 * at));
        head = 10;
    }
    if (masked) {
        memcpy(out + head, &mask, 4);
        head += 4;
    }
    memcpy(out + head, payload, length);
    if (masked) apply_mask(out + head, length, mask);
    return head + length;
}

long wire_read(uint8_t *buffer, size_t size, size_t limit, struct frame *frame) {
    if (size < 2) return 0;
    if ((buffer[0] & 0xF0) != 0x80) return -1; /* not final, or an extension's bit */
    size_t head = 2;
    uint64_t length = buffer[1] & 0x7F;
    int masked = buffer[1] >> 7;
    if (length == 126) {
        if (size < 4) return 0;
        length = ((uint64_t)buffer[2] << 8) | buffer[3];
        head = 4;
    } else if (length == 127) {
        if (size < 10) return 0;
        length = 0;
        for (int at = 0; at < 8; at++) length = (length << 8) | buffer[2 + at];
        head = 10;
    }
    if (length > limit) return -1;
    uint32_t mask = 0;
    if (masked) {
        if (size < head + 4) return 0;
        memcpy(&mask, buffer + head, 4);
        head += 4;
    }
    if (size < head + length) return 0;
    frame->opcode = buffer[0] & 0x0F;
    frame->payload = buffer + head;
    frame->length = (size_t)length;
    if (masked) apply_mask(frame->payload, frame->length, mask);
    return (long)(head + length);
}

/* SHA-1 (RFC 3174) of a short text; only the handshake needs it, so one block at a time is fast enough. */
static void sha1(const uint8_t *data, size_t length, uint8_t digest[20]) {
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t padded[192] = {0};
    size_t total = ((length + 8) / 64 + 1) * 64;
    memcpy(padded, data, length);
    padded[length] = 0x80;
    for (int at = 0; at < 8; at++) padded[total - 1 - at] = (uint8_t)(((uint64_t)length * 8) >> (8 * at));
    for (size_t block = 0; block < total; block += 64) {
        uint32_t w[80];
        for (int i = 0; i < 16; i++) {
            const uint8_t *p = padded + block + 4 * i;
            w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        }
        for (int i = 16; i < 80; i++) {
            uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
            w[i] = x << 1 | x >> 31;
        }
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 80; i++) {
            uint32_t f, k;
            if (i < 20) f = (b & c) | (~b & d), k = 0x5A827999;
            else if (i < 40) f = b ^ c ^ d, k = 0x6ED9EBA1;
            else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
            else f = b ^ c ^ d, k = 0xCA62C1D6;
            uint32_t next = (a << 5 | a >> 27) + f + e + k + w[i];
            e = d, d = c, c = b << 30 | b >> 2, b = a, a = next;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

void wire_accept(const char *key, size_t key_length, char out[29]) {
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t text[128], digest[21] = {0};
    if (key_length > 64) key_length = 64;
    memcpy(text, key, key_length);
    memcpy(text + key_length, guid, sizeof guid - 1);
    sha1(text, key_length + sizeof guid - 1, digest);
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++) out[4 * i + j] = digits[three >> (18 - 6 * j) & 63];
    }
    out[27] = '=';
    out[28] = 0;
}
