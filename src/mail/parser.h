/* parser.h - what the parser's two ends and their tests share. */
#ifndef WARD_MAIL_PARSER_H
#define WARD_MAIL_PARSER_H

#include "mail/mail.h"

#define PARSER_FD          3
#define PARSER_MEMORY      (512 * MiB)    /* address space of a parser process */
#define PARSER_JOBS_MAX    1000           /* then it is replaced by a fresh one */
#define PARSER_ANSWER_MAX  (MAIL_MAX + 16 * MiB)

/* Sent once by the child when its sandbox is closed, before it reads anything:
 * what is not there afterwards was not the message's doing. */
#define PARSER_HELLO 'W'

/* In front of a message: its length. In front of an answer: the outcome and
 * the length of what follows. Both ends are the same program on the same
 * machine, so the struct's own layout is the format. */
struct parser_ask    { uint64_t n; };
struct parser_answer { uint32_t err, pad; uint64_t n; };

/* Gives up what a parser does not need, for good: files, network, processes,
 * new descriptors, executable memory. False when the kernel refuses the part
 * that must not be missing. Under AddressSanitizer and ThreadSanitizer, which
 * need more than any filter could allow, only what they can live with. */
bool parser_sandbox(void);

/* How long a job may take, 20 s; tests shorten it. */
extern usec parser_patience;
/* Called in the child with every message before it is parsed; NULL outside of
 * the tests, which crash and hang with it. */
extern void (*parser_before_job)(str raw);

#endif
