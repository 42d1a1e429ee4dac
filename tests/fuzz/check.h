#pragma once
// What a fuzzing program holds to be true: a break ends it, and libFuzzer keeps the input.

#include <cstdio>
#include <cstdlib>

#define FUZZ_CHECK(fact)                                                                   \
    do {                                                                                   \
        if (!(fact)) {                                                                     \
            std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #fact); \
            std::abort();                                                                  \
        }                                                                                  \
    } while (false)
