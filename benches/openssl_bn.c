/*
 * The arithmetic of an RSA key with OpenSSL's BIGNUM in its constant-time form: what benches/bench compares with.
 *
 *   openssl_bn NUMBERS      a file with one "name HEX" a line: n e d p q dp dq qinv
 *
 * Reads "JOB COUNT" lines and answers each with the nanoseconds that COUNT runs of JOB took, or "! why not".
 * Numbers are BIGNUMs before the clock starts, so this is arithmetic and nothing else.
 */

#define _POSIX_C_SOURCE 200809L
#include <openssl/bn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N, E, D, P, Q, DP, DQ, QINV, NUMBERS };
static const char *const NAMES[NUMBERS] = { "n", "e", "d", "p", "q", "dp", "dq", "qinv" };
static BIGNUM *number[NUMBERS];
static BN_CTX *ctx;

static BIGNUM *secret(void)
{
    BIGNUM *value = BN_CTX_get(ctx);
    if (value != NULL)
        BN_set_flags(value, BN_FLG_CONSTTIME);
    return value;
}

static int is_inverse(const BIGNUM *a, const BIGNUM *b, const BIGNUM *modulus, BIGNUM *t)
{
    return BN_mul(t, a, b, ctx) && BN_mod(t, t, modulus, ctx) && BN_is_one(t);
}

/* n = p q, e d = 1 and e dP = 1 modulo p - 1, e d = 1 and e dQ = 1 modulo q - 1, q qInv = 1 modulo p. */
static int check(void)
{
    BIGNUM *p1, *q1, *t;
    int right;
    BN_CTX_start(ctx);
    p1 = secret();
    q1 = secret();
    t = secret();
    right = t != NULL && BN_sub(p1, number[P], BN_value_one()) && BN_sub(q1, number[Q], BN_value_one())
        && BN_mul(t, number[P], number[Q], ctx) && BN_cmp(t, number[N]) == 0
        && is_inverse(number[E], number[D], p1, t) && is_inverse(number[E], number[D], q1, t)
        && is_inverse(number[E], number[DP], p1, t) && is_inverse(number[E], number[DQ], q1, t)
        && is_inverse(number[Q], number[QINV], number[P], t);
    BN_CTX_end(ctx);
    return right;
}

/* d, dP, dQ, qInv from p, q, e. d is taken modulo lcm(p - 1, q - 1), or (p - 1)(q - 1), which spares the gcd. */
static int complete(int lcm)
{
    BIGNUM *p1, *q1, *order, *gcd, *d, *dp, *dq, *qinv;
    int right;
    BN_CTX_start(ctx);
    p1 = secret();
    q1 = secret();
    order = secret();
    gcd = secret();
    d = secret();
    dp = secret();
    dq = secret();
    qinv = secret();
    right = qinv != NULL && BN_mul(order, number[P], number[Q], ctx) && BN_cmp(order, number[N]) == 0
        && BN_sub(p1, number[P], BN_value_one()) && BN_sub(q1, number[Q], BN_value_one())
        && BN_mul(order, p1, q1, ctx);
    if (right && lcm)
        right = BN_gcd(gcd, p1, q1, ctx) && BN_div(order, NULL, order, gcd, ctx);
    BN_set_flags(order, BN_FLG_CONSTTIME);
    right = right && BN_mod_inverse(d, number[E], order, ctx) != NULL && BN_mod(dp, d, p1, ctx) && BN_mod(dq, d, q1, ctx)
        && BN_mod_inverse(qinv, number[Q], number[P], ctx) != NULL && BN_cmp(dp, number[DP]) == 0
        && BN_cmp(dq, number[DQ]) == 0 && BN_cmp(qinv, number[QINV]) == 0;
    BN_CTX_end(ctx);
    return right;
}

static int read_numbers(const char *path)
{
    char name[16], *hex = malloc(20000);
    int i, found = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL || hex == NULL)
        return 0;
    while (fscanf(file, "%15s %19999s", name, hex) == 2)
        for (i = 0; i < NUMBERS; i++)
            if (strcmp(name, NAMES[i]) == 0 && BN_hex2bn(&number[i], hex) > 0) {
                BN_set_flags(number[i], i == N || i == E ? 0 : BN_FLG_CONSTTIME);
                found++;
            }
    fclose(file);
    free(hex);
    return found == NUMBERS;
}

int main(int argc, char **argv)
{
    char job[32];
    long count, i;
    struct timespec start, end;

    ctx = BN_CTX_secure_new();
    if (argc != 2 || ctx == NULL || !read_numbers(argv[1])) {
        fprintf(stderr, "openssl_bn: no numbers\n");
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (scanf("%31s %ld", job, &count) == 2) {
        int right = 1;
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (i = 0; i < count && right; i++) {
            if (strcmp(job, "check") == 0)
                right = check();
            else
                right = complete(strcmp(job, "complete-lcm") == 0);
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        if (!right) {
            printf("! the numbers do not belong together\n");
            continue;
        }
        printf("%lld\n", (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec);
    }
    return 0;
}
