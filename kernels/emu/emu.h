// One CUDA thread block at a time on one host thread, so that a kernel's own source can be tested where there is no
// GPU. Threads are fibers that run until they must wait; a scheduler with a seed decides who runs next. Kernels reach
// this only through dev_host.h. What it proves and what not: README.md beside the kernels.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <vector>

namespace emu {

using Site = std::source_location;

struct Extent {
  unsigned x = 1, y = 1, z = 1;
};

// When the bytes of an asynchronous copy arrive. Late also reads the source late.
enum class Copies { late, early, random };

// seed 0: lowest warp and lane first; 1: highest first; other even seeds: a random warp each step; odd: a random warp
// until it waits.
void schedule(uint64_t seed, Copies copies);

// Runs body() once for each thread of each block, blocks one after another in an order drawn from the seed. False: see
// error().
bool run_grid(Extent grid, Extent block, uint32_t shared_bytes, const std::function<void()>& body);

// The first complaint since the last clear_error(), with the place in the source; empty if there was none.
const std::string& error();
void clear_error();

// Synchronisations met so far, as "file:line what"; drop() turns one off (an empty name: none).
std::vector<std::string> synchronisations();
void drop(const std::string& synchronisation);

// ---- called by kernels, through dev_host.h ----
unsigned thread_id();
Extent block_id();
Extent grid_size();

void sync_block(const Site& at);
void sync_warp(const Site& at);

// A meeting of the 32 lanes of a warp: the last to arrive runs collective over all lanes' operands, in lane order.
using Collective = void (*)(void* const* operands);
void meet(Collective collective, void* operand, const Site& at);

void shared_read(uint32_t address, void* to, uint32_t bytes, const Site& at);
void shared_write(uint32_t address, const void* from, uint32_t bytes, const Site& at);
// Reads on behalf of another lane of the running warp (ldmatrix).
void shared_read_as(unsigned lane, uint32_t address, void* to, uint32_t bytes, const Site& at);

void copy_async(uint32_t to, const void* from, uint32_t bytes, bool valid, const Site& at);
void copy_commit();
void copy_wait(unsigned groups_left, const Site& at);

// A 16-byte access to global memory must be aligned.
void check_aligned(const void* p, uint32_t bytes, const Site& at);

}  // namespace emu
