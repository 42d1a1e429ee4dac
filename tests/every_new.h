#pragma once
// Every new and delete of a program, led to one function. To be included by one file of it, which
// says what an allocation does. None is inlined: g++ 12 would then see a free() of what it takes
// for another's new (-Wmismatched-new-delete, under ThreadSanitizer).

#include <cstddef>
#include <cstdlib>
#include <new>

namespace tests {

// Memory by std::malloc, or std::bad_alloc.
void* allocate(std::size_t size);

}  // namespace tests

[[gnu::noinline]] void* operator new(std::size_t size) {
    return tests::allocate(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size) {
    return tests::allocate(size);
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    try {
        return tests::allocate(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}
[[gnu::noinline]] void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
    return operator new(size, tag);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}
