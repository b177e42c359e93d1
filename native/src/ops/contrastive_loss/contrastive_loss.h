// What the versions of contrastive_loss and of its gradient share: argument checks, the cut of the plane of pairs, workspace.
#pragma once

#include "ops/gemm/gemm.h"

JC_DECLARE(contrastive_loss)

namespace jc {

// Stands for a similarity that is not there: its exponential is 0, and 0 times it is 0.
constexpr float kAbsent = -1e38f;

// What both operators read. Similarity z[i, j] = scale image[i] . text[j] + bias.
struct Pairs {
  const float* image;
  const float* text;
  int64_t rows;
  int64_t width;
  float scale;
  float bias;
};

namespace ref {
// e^x through functions that every glibc has in their first version.
double exponential(double x);
// log(1 + e^x)
double softplus(double x);
// 1 / (1 + e^-x)
double logistic(double x);
}  // namespace ref

template <class Args>
Pairs pairs_of(const Args* a) {
  return {a->image,
          a->text,
          a->rows,
          a->width,
          static_cast<float>(ref::exponential(static_cast<double>(*a->log_scale))),
          a->bias != nullptr ? *a->bias : 0.0f};
}

// The plane is cut into square blocks whose side follows from the number of rows alone: partial sums are added block by block, so that
// the bits do not depend on who computes what. Sides are multiples of a panel (32 at most).
struct Blocks {
  int64_t side;
  int64_t count;  // along one axis
  int64_t first(int64_t i) const { return i * side; }
  int64_t size(int64_t i, int64_t rows) const { return (i + 1) * side < rows ? side : rows - i * side; }
};

static inline Blocks blocks_of(int64_t rows, int64_t fewest) {
  constexpr int64_t kLargest = 1024;
  int64_t count = ceil_div(rows, kLargest);
  if (count < fewest) count = fewest;
  int64_t side = round_up(ceil_div(rows, count), 32);
  return {side, ceil_div(rows, side)};
}

static inline TileSize loss_tile(const jc_context* context) {
  return context->isa == JC_AVX512 ? kAvx512Tile : kAvx2Tile;
}

// Rows of a task that looks at each row once.
constexpr int64_t kRowsOfTask = 256;

// Sizes in floats, each a whole number of cache lines.
static inline int64_t lines(int64_t floats) { return round_up(floats, 16); }

// Workspace of the loss: arrays of all rows, then one slot a thread.
struct LossMemory {
  Blocks blocks;
  int64_t padded;   // rows, to whole panels
  int64_t partial;  // an array of [blocks, padded]
  int64_t shared;   // all but the slots
  int64_t packed;   // of a slot: a block of texts
  int64_t gathered;
  int64_t gathered_rows;
  int64_t slot;
};

static inline LossMemory loss_memory(const jc_context* context, int64_t rows, int64_t width) {
  LossMemory m{};
  TileSize tile = loss_tile(context);
  m.blocks = blocks_of(rows, 4);  // sixteen tasks at least
  m.padded = round_up(rows, 32);
  m.partial = m.blocks.count * m.padded;
  int64_t tasks = m.blocks.count * m.blocks.count, row_tasks = ceil_div(rows, kRowsOfTask);
  m.shared = m.padded + 4 * m.partial + lines(2 * (tasks > row_tasks ? tasks : row_tasks));
  m.packed = m.blocks.side * width;
  m.gathered_rows = block_tiles(tile.rows, width) * tile.rows;
  m.gathered = m.gathered_rows * round_up(width, kChunk);
  m.slot = m.packed + m.gathered + lines(tile.rows * tile.columns) + lines(m.gathered_rows) + m.gathered_rows * 16;
  return m;
}

// value = statistics[row, i] + statistics[row + 2, i], row 1 or 2, as nearly as two floats can.
static inline void set_loss(float* statistics, int64_t rows, int64_t row, int64_t i, double value) {
  float high = static_cast<float>(value);
  statistics[row * rows + i] = high;
  statistics[(row + 2) * rows + i] = static_cast<float>(value - static_cast<double>(high));
}

static inline double loss_at(const float* statistics, int64_t rows, int64_t row, int64_t i) {
  return static_cast<double>(statistics[row * rows + i]) + static_cast<double>(statistics[(row + 2) * rows + i]);
}

// Bytes of workspace for `threads` threads.
int64_t loss_workspace(const jc_context* context, int64_t rows, int64_t width, int64_t threads);
int32_t check_contrastive_loss(jc_context* context, const jc_contrastive_loss_args* a);
// 0 if rows, width or kind cannot be.
bool is_loss(int64_t rows, int64_t width, int64_t kind);

}  // namespace jc
