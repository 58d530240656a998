/*
 * PKCS#11 calls in bare loops: what benches/bench compares with. Nothing is checked but return values.
 *
 *   raw_pkcs11 MODULE LABEL OBJECTS     the PIN is in CNG11_PIN
 *   raw_pkcs11 MODULE LABEL OBJECTS JOB COUNT     does one job, answers as below, removes nothing, and ends
 *
 * OBJECTS has templates: a line "object NAME", then one line "TYPE HEX" an attribute, both in hexadecimal.
 * Reads "JOB COUNT" lines and answers each with the nanoseconds that COUNT runs of JOB took, or "! why not".
 * Import jobs remove afterwards what is on the token, and that is not timed.
 */

#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long ulong_t;
typedef struct { ulong_t type; void *value; ulong_t len; } attribute_t;
typedef struct { ulong_t mechanism; void *parameter; ulong_t len; } mechanism_t;
typedef struct { char name[32]; attribute_t attributes[48]; ulong_t count; } object_t;

enum {
    CKF_RW_SERIAL = 6, CKF_OS_LOCKING_OK = 2, CKU_USER = 1, CKA_TOKEN = 1, CKA_LABEL = 3, CKA_CLASS = 0, CKA_ID = 0x102,
    CKM_RSA_PKCS = 1, CKM_ECDSA = 0x1041, CKM_AES_KEY_WRAP_PAD = 0x210A,
    CKR_ATTRIBUTE_SENSITIVE = 0x11, CKR_ATTRIBUTE_TYPE_INVALID = 0x12
};

/* The functions by their own names; SoftHSM2 exports them all. */
static ulong_t (*C_Initialize)(void *);
static ulong_t (*C_Finalize)(void *);
static ulong_t (*C_GetSlotList)(unsigned char, ulong_t *, ulong_t *);
static ulong_t (*C_GetTokenInfo)(ulong_t, void *);
static ulong_t (*C_OpenSession)(ulong_t, ulong_t, void *, void *, ulong_t *);
static ulong_t (*C_CloseSession)(ulong_t);
static ulong_t (*C_Login)(ulong_t, ulong_t, const char *, ulong_t);
static ulong_t (*C_CreateObject)(ulong_t, attribute_t *, ulong_t, ulong_t *);
static ulong_t (*C_CopyObject)(ulong_t, ulong_t, attribute_t *, ulong_t, ulong_t *);
static ulong_t (*C_DestroyObject)(ulong_t, ulong_t);
static ulong_t (*C_GetAttributeValue)(ulong_t, ulong_t, attribute_t *, ulong_t);
static ulong_t (*C_SetAttributeValue)(ulong_t, ulong_t, attribute_t *, ulong_t);
static ulong_t (*C_FindObjectsInit)(ulong_t, attribute_t *, ulong_t);
static ulong_t (*C_FindObjects)(ulong_t, ulong_t *, ulong_t, ulong_t *);
static ulong_t (*C_FindObjectsFinal)(ulong_t);
static ulong_t (*C_SignInit)(ulong_t, mechanism_t *, ulong_t);
static ulong_t (*C_Sign)(ulong_t, const void *, ulong_t, void *, ulong_t *);
static ulong_t (*C_WrapKey)(ulong_t, mechanism_t *, ulong_t, ulong_t, void *, ulong_t *);

enum { BATCH = 1000, MOST = 200000 };

static ulong_t slot, anchor, session;
static object_t objects[8];
static int object_count;
static unsigned char buffer[8192];
static unsigned char digest[32], digest_info[51] = "\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
static unsigned char yes = 1;
static ulong_t failed_with;
static const char *failed_in;

/* Runs a call; the first one that fails is remembered and ends the job. */
#define CALL(name, ...) ((failed_with = name(__VA_ARGS__)) == 0 || ((failed_in = #name), 0))
#define LOAD(name) ((*(void **)&name = dlsym(library, #name)) != NULL)

static object_t *object(const char *kind, const char *part)
{
    char name[32];
    int i;
    snprintf(name, sizeof name, "%s-%s", kind, part);
    for (i = 0; i < object_count; i++)
        if (strcmp(objects[i].name, name) == 0)
            return &objects[i];
    fprintf(stderr, "raw_pkcs11: no template %s\n", name);
    exit(1);
}

static attribute_t *attribute(object_t *of, ulong_t type)
{
    ulong_t i;
    for (i = 0; i < of->count; i++)
        if (of->attributes[i].type == type)
            return &of->attributes[i];
    fprintf(stderr, "raw_pkcs11: %s has no attribute 0x%lx\n", of->name, type);
    exit(1);
}

static void read_objects(const char *path)
{
    char line[20000];
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        object_t *last = &objects[object_count > 0 ? object_count - 1 : 0];
        attribute_t *next;
        char *hex;
        ulong_t type, i;
        if (sscanf(line, "object %31s", objects[object_count].name) == 1) {
            object_count++;
            continue;
        }
        type = strtoul(line, &hex, 16);
        while (*hex == ' ')
            hex++;
        next = &last->attributes[last->count++];
        next->type = type;
        next->len = strcspn(hex, "\n") / 2;
        next->value = malloc(next->len + 1);
        for (i = 0; i < next->len; i++) {
            char byte[3] = { hex[2 * i], hex[2 * i + 1], 0 };
            ((unsigned char *)next->value)[i] = (unsigned char)strtoul(byte, NULL, 16);
        }
    }
    if (file != NULL)
        fclose(file);
}

static ulong_t find(attribute_t *template, ulong_t count, ulong_t *found, ulong_t capacity)
{
    ulong_t number = 0;
    if (!CALL(C_FindObjectsInit, session, template, count) || !CALL(C_FindObjects, session, found, capacity, &number)
        || !CALL(C_FindObjectsFinal, session))
        return 0;
    return number;
}

static ulong_t find_key(const char *label, ulong_t class)
{
    ulong_t found = 0;
    attribute_t template[2] = { { CKA_LABEL, (void *)label, strlen(label) }, { CKA_CLASS, &class, sizeof class } };
    if (find(template, 2, &found, 1) != 1 && failed_in == NULL)
        failed_in = "find";
    return found;
}

/* Makes each object on the token. */
static int create(object_t *private, object_t *public)
{
    ulong_t handle;
    *(unsigned char *)attribute(private, CKA_TOKEN)->value = 1;
    *(unsigned char *)attribute(public, CKA_TOKEN)->value = 1;
    return CALL(C_CreateObject, session, private->attributes, private->count, &handle)
        && CALL(C_CreateObject, session, public->attributes, public->count, &handle);
}

/* Makes each object in the session and copies it onto the token. */
static int copy(object_t *private, object_t *public)
{
    attribute_t onto = { CKA_TOKEN, &yes, 1 };
    ulong_t handle, copied;
    *(unsigned char *)attribute(private, CKA_TOKEN)->value = 0;
    *(unsigned char *)attribute(public, CKA_TOKEN)->value = 0;
    return CALL(C_CreateObject, session, private->attributes, private->count, &handle)
        && CALL(C_CopyObject, session, handle, &onto, 1, &copied)
        && CALL(C_CreateObject, session, public->attributes, public->count, &handle)
        && CALL(C_CopyObject, session, handle, &onto, 1, &copied);
}

static int get(ulong_t handle, object_t *record)
{
    attribute_t wanted[48];
    memcpy(wanted, record->attributes, sizeof wanted);
    failed_with = C_GetAttributeValue(session, handle, wanted, record->count);
    if (failed_with == 0 || failed_with == CKR_ATTRIBUTE_SENSITIVE || failed_with == CKR_ATTRIBUTE_TYPE_INVALID)
        return 1;
    failed_in = "C_GetAttributeValue";
    return 0;
}

/* Signs in a session of its own. */
typedef struct { ulong_t session, key; int rsa; long count; ulong_t failed; } signer_t;

static void *signer(void *of)
{
    signer_t *work = of;
    unsigned char signature[512];
    long i;
    for (i = 0; i < work->count && work->failed == 0; i++) {
        mechanism_t mechanism = { work->rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0 };
        ulong_t len = sizeof signature;
        work->failed = C_SignInit(work->session, &mechanism, work->key);
        if (work->failed == 0)
            work->failed = C_Sign(work->session, work->rsa ? digest_info : digest, work->rsa ? sizeof digest_info : sizeof digest,
                                  signature, &len);
    }
    return NULL;
}

/* Two threads with two sessions and one key. */
static int sign_in_two(ulong_t key, int rsa, long count)
{
    signer_t one = { session, key, rsa, count / 2, 0 }, other = { anchor, key, rsa, count - count / 2, 0 };
    pthread_t thread;
    if (pthread_create(&thread, NULL, signer, &other) != 0)
        return 0;
    signer(&one);
    pthread_join(thread, NULL);
    failed_with = one.failed != 0 ? one.failed : other.failed;
    failed_in = failed_with != 0 ? "signing in two threads" : NULL;
    return failed_with == 0;
}

static int sign(ulong_t key, int rsa)
{
    mechanism_t mechanism = { rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0 };
    ulong_t len = sizeof buffer;
    return CALL(C_SignInit, session, &mechanism, key)
        && CALL(C_Sign, session, rsa ? digest_info : digest, rsa ? sizeof digest_info : sizeof digest, buffer, &len);
}

/* The calls of an import that may look for the name first and prove the pair afterwards, one by one. */
static int proven(object_t *private, object_t *public, object_t *record, int rsa, int looks, int signs)
{
    static ulong_t found[1000];
    attribute_t *label = attribute(private, CKA_LABEL), *id = attribute(private, CKA_ID);
    attribute_t named[2] = { { CKA_TOKEN, &yes, 1 }, *label };
    attribute_t public_onto[2] = { { CKA_TOKEN, &yes, 1 }, *attribute(public, CKA_ID) };
    attribute_t private_onto[2] = { { CKA_TOKEN, &yes, 1 }, *id };
    ulong_t public_session, private_session, public_token, private_token;
    *(unsigned char *)attribute(private, CKA_TOKEN)->value = 0;
    *(unsigned char *)attribute(public, CKA_TOKEN)->value = 0;
    if (looks)
        find(named, 2, found, 1000);
    return failed_in == NULL && CALL(C_CreateObject, session, private->attributes, private->count, &private_session)
        && CALL(C_CreateObject, session, public->attributes, public->count, &public_session)
        && CALL(C_CopyObject, session, public_session, public_onto, 2, &public_token)
        && CALL(C_CopyObject, session, private_session, private_onto, 2, &private_token) && get(private_token, record)
        && get(public_token, record)
        && (!signs || sign(private_token, rsa)) && CALL(C_SetAttributeValue, session, public_token, id, 1)
        && CALL(C_DestroyObject, session, private_session);
}

static int import(const char *kind, const char *way, long number)
{
    object_t *private = object(kind, "private"), *public = object(kind, "public");
    char digits[32];
    attribute_t *labels[2] = { attribute(private, CKA_LABEL), attribute(public, CKA_LABEL) };
    int i;
    /* The label ends in eight digits. */
    snprintf(digits, sizeof digits, "%08ld", number);
    for (i = 0; i < 2; i++)
        memcpy((char *)labels[i]->value + labels[i]->len - 8, digits, 8);
    if (strcmp(way, "create") == 0)
        return create(private, public);
    if (strcmp(way, "copy") == 0)
        return copy(private, public);
    /* `bulk` and `unproven`: the token was listed once, so that no name is searched for. */
    return proven(private, public, object("any", "record"), strcmp(kind, "rsa") == 0, strcmp(way, "proven") == 0,
                  strcmp(way, "unproven") != 0);
}

/* Every object of the token in batches, and each read in one call. */
static ulong_t list(object_t *record, ulong_t *found)
{
    attribute_t on_token = { CKA_TOKEN, &yes, 1 };
    ulong_t count = 0, more = BATCH, i;
    if (!CALL(C_FindObjectsInit, session, &on_token, 1))
        return 0;
    while (more == BATCH && count + BATCH <= MOST && CALL(C_FindObjects, session, found + count, BATCH, &more))
        count += more;
    if (failed_in != NULL || !CALL(C_FindObjectsFinal, session))
        return 0;
    for (i = 0; i < count; i++)
        if (!get(found[i], record))
            return 0;
    return count;
}

/* Lists the token and wraps every private key of it in one call each; with `folder` each goes into a file, and onto the disk if it `syncs`. */
static int wrap_all(object_t *record, const char *folder, int syncs)
{
    static ulong_t found[MOST], private[MOST];
    mechanism_t wrapping = { CKM_AES_KEY_WRAP_PAD, NULL, 0 };
    ulong_t class = 3, privates = 0, kek, i;
    attribute_t template = { CKA_CLASS, &class, sizeof class };
    list(record, found);
    if (failed_in != NULL || !CALL(C_FindObjectsInit, session, &template, 1)
        || !CALL(C_FindObjects, session, private, MOST, &privates) || !CALL(C_FindObjectsFinal, session))
        return 0;
    kek = find_key("kek", 4);
    for (i = 0; i < privates && failed_in == NULL; i++) {
        ulong_t len = sizeof buffer;
        if (!CALL(C_WrapKey, session, &wrapping, kek, private[i], buffer, &len))
            return 0;
        if (folder != NULL) {
            char path[4096];
            FILE *file;
            snprintf(path, sizeof path, "%s/%lu", folder, i);
            file = fopen(path, "wb");
            if (file == NULL || fwrite(buffer, 1, len, file) != len || fflush(file) != 0
                || (syncs && fsync(fileno(file)) != 0) || fclose(file) != 0) {
                failed_in = "a file";
                return 0;
            }
        }
    }
    return failed_in == NULL;
}

static void clean(void)
{
    const char *in = failed_in;
    ulong_t with = failed_with;
    static ulong_t found[20000];
    attribute_t on_token = { CKA_TOKEN, &yes, 1 };
    ulong_t i, count = find(&on_token, 1, found, 20000);
    for (i = 0; i < count; i++)
        C_DestroyObject(session, found[i]);
    failed_in = in;
    failed_with = with;
}

static ulong_t slot_of(const char *label)
{
    ulong_t slots[64], count = 64, i;
    char info[512];
    if (CALL(C_GetSlotList, 1, slots, &count))
        for (i = 0; i < count; i++)
            /* CK_TOKEN_INFO begins with the label, padded with blanks. */
            if (C_GetTokenInfo(slots[i], info) == 0 && strncmp(info, label, strlen(label)) == 0 && info[strlen(label)] == ' ')
                return slots[i];
    fprintf(stderr, "raw_pkcs11: no token %s\n", label);
    exit(1);
}

int main(int argc, char **argv)
{
    char job[32], kind[16], way[16];
    const char *pin = getenv("CNG11_PIN");
    struct timespec start, end;
    /* As the library does it: fit for several threads, with the system's own locks. */
    struct { void *functions[4]; ulong_t flags; void *reserved; } locking = { { NULL }, CKF_OS_LOCKING_OK, NULL };
    void *library;
    long count, i;
    int alone;

    library = argc == 4 || argc == 6 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (library == NULL || pin == NULL || !LOAD(C_Initialize) || !LOAD(C_Finalize) || !LOAD(C_GetSlotList) || !LOAD(C_GetTokenInfo)
        || !LOAD(C_OpenSession) || !LOAD(C_CloseSession) || !LOAD(C_Login) || !LOAD(C_CreateObject) || !LOAD(C_CopyObject)
        || !LOAD(C_DestroyObject) || !LOAD(C_GetAttributeValue) || !LOAD(C_SetAttributeValue) || !LOAD(C_FindObjectsInit)
        || !LOAD(C_FindObjects) || !LOAD(C_FindObjectsFinal) || !LOAD(C_SignInit) || !LOAD(C_Sign) || !LOAD(C_WrapKey)) {
        fprintf(stderr, "raw_pkcs11: no module, or no PIN\n");
        return 1;
    }
    read_objects(argv[3]);
    if (!CALL(C_Initialize, &locking))
        return 1;
    slot = slot_of(argv[2]);
    if (!CALL(C_OpenSession, slot, CKF_RW_SERIAL, NULL, NULL, &anchor) || !CALL(C_Login, anchor, CKU_USER, pin, strlen(pin))) {
        fprintf(stderr, "raw_pkcs11: %s answered 0x%lx\n", failed_in, failed_with);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* One job of the command line, or all that are asked for. */
    alone = argc == 6 && sscanf(argv[4], "%31s", job) == 1 && sscanf(argv[5], "%ld", &count) == 1;
    while (alone || scanf("%31s %ld", job, &count) == 2) {
        mechanism_t wrapping = { CKM_AES_KEY_WRAP_PAD, NULL, 0 };
        ulong_t key = 0, kek = 0;
        int rsa, importing, listing, going = 1;
        if (sscanf(job, "%15[a-z]-%15[a-z]", way, kind) != 2)
            return 1;
        rsa = strcmp(kind, "rsa") == 0;
        listing = strcmp(way, "list") == 0 || strcmp(way, "wrapall") == 0;
        importing = !listing && strncmp(way, "sign", 4) != 0 && strcmp(way, "wrap") != 0;
        failed_in = NULL;
        failed_with = 0;
        /* A session of its own, so that what it made in memory goes with it. */
        C_OpenSession(slot, CKF_RW_SERIAL, NULL, NULL, &session);
        if (!importing && !listing)
            key = find_key(kind, 3);
        if (strcmp(way, "wrap") == 0)
            kek = find_key("kek", 4);
        going = failed_in == NULL;
        clock_gettime(CLOCK_MONOTONIC, &start);
        if (going && strcmp(way, "signtwo") == 0) {
            going = sign_in_two(key, rsa, count);
            count = 0;
        }
        if (listing && strcmp(way, "wrapall") == 0) {
            going = wrap_all(object("any", "record"), getenv("RAW_FOLDER"), getenv("RAW_SYNC") != NULL);
            count = 0;
        }
        for (i = 0; i < count && going; i++) {
            static ulong_t found[MOST];
            ulong_t len = sizeof buffer;
            if (listing) {
                list(object("any", "record"), found);
                going = failed_in == NULL;
                continue;
            }
            if (importing)
                going = import(kind, way, i);
            else if (strcmp(way, "sign") == 0)
                going = sign(key, rsa);
            else
                going = CALL(C_WrapKey, session, &wrapping, kek, key, buffer, &len);
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        if (alone) {
            if (going)
                C_Finalize(NULL);
            printf(going ? "%lld\n" : "! it failed\n", (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec);
            if (!going)
                fprintf(stderr, "raw_pkcs11: %s answered 0x%lx\n", failed_in, failed_with);
            return !going;
        }
        /* Before the answer, or it would run while the other side is timed. */
        if (importing)
            clean();
        C_CloseSession(session);
        if (going)
            printf("%lld\n", (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec);
        else
            printf("! %s answered 0x%lx\n", failed_in, failed_with);
    }
    return 0;
}
