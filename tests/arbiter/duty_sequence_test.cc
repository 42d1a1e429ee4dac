// Where the numbers of an epoch's transactions begin.

#include "agent/duty/sequence.h"

#include <doctest/doctest.h>

#include <limits>

using namespace agent;
using heartbeat::Epoch;

namespace {

constexpr std::uint64_t room = std::uint64_t{1} << sequence_epoch_shift;
constexpr std::uint64_t greatest = std::numeric_limits<std::uint64_t>::max();

}  // namespace

TEST_CASE("from one position two epochs have no number in common, whatever was written") {
    for (const std::uint64_t last : {std::uint64_t{0}, std::uint64_t{42}, room - 1})
        for (std::uint64_t epoch = 1; epoch < 100; ++epoch)
            CHECK(raised_sequence(Epoch{epoch + 1}, last) >=
                  raised_sequence(Epoch{epoch}, last) + room);
}

TEST_CASE("nor from another position that the earlier epoch had not reached") {
    CHECK(raised_sequence(Epoch{7}, 5) > raised_sequence(Epoch{6}, 1'000'000'000) + room - 1);
}

TEST_CASE("beyond the epoch's own numbers they are a step for each epoch further") {
    const std::uint64_t last = 9 * room + 17;
    CHECK(raised_sequence(Epoch{9}, last) == last + 9 * sequence_step);
    CHECK(raised_sequence(Epoch{8}, last) == last + 8 * sequence_step);
    CHECK(raised_sequence(Epoch{10}, last) == 10 * room);
}

TEST_CASE("no number overflows, and none is lowered") {
    for (const std::uint64_t epoch :
         {std::uint64_t{1}, std::uint64_t{1} << 22, (std::uint64_t{1} << 23) - 1,
          std::uint64_t{1} << 23, std::uint64_t{1} << 62, greatest})
        for (const std::uint64_t last :
             {std::uint64_t{0}, room, sequence_max - 1, sequence_max, sequence_max + 1, greatest}) {
            CAPTURE(epoch);
            CAPTURE(last);
            const std::uint64_t raised = raised_sequence(Epoch{epoch}, last);
            CHECK(raised >= last);
            CHECK((raised <= sequence_max || raised == last));
        }
}
