// What the versions of contrastive_loss_gradient share: argument checks and workspace.
#pragma once

#include "ops/contrastive_loss/contrastive_loss.h"

JC_DECLARE(contrastive_loss_gradient)

namespace jc {

// Workspace of the gradient: arrays of all rows, one block of the gradient with respect to the similarities, the block's images and texts
// packed for the products, then one slot a thread.
struct GradientMemory {
  Blocks blocks;
  int64_t padded;  // rows, to whole panels
  int64_t totals;  // tasks of a block
  int64_t stride;  // of a row of the block
  int64_t block;
  int64_t outputs;  // texts packed for the similarities
  int64_t inputs;   // images or texts packed for the products with the block
  int64_t shared;   // all but the slots
  int64_t gathered;
  int64_t slot;
};

// Tiles of one task: enough tasks for a few threads, and packed texts that pass by slowly enough.
constexpr int64_t kTaskTiles = 4;

static inline GradientMemory gradient_memory(const jc_context* context, int64_t rows, int64_t width) {
  GradientMemory m{};
  TileSize tile = loss_tile(context);
  m.blocks = blocks_of(rows, 1);
  m.padded = round_up(rows, 32);
  m.totals = ceil_div(ceil_div(m.blocks.side, tile.rows), kTaskTiles);
  m.stride = m.blocks.side + 16;  // rows a power of two apart would meet in few lines of a cache
  m.block = m.blocks.side * m.stride;
  m.outputs = m.blocks.side * width;
  m.inputs = m.blocks.side * round_up(width, tile.columns);
  m.shared = 6 * m.padded + lines(4 * m.totals) + m.block + m.outputs + 2 * m.inputs;
  m.gathered = kTaskTiles * tile.rows * round_up(width, kChunk);
  int64_t own = m.gathered + lines(tile.rows * tile.columns);
  int64_t product = tile.rows * round_up(m.blocks.side, kChunk);
  if (product < kBlockBytes / 4) product = kBlockBytes / 4;
  m.slot = own > product ? own : product;
  return m;
}

int64_t gradient_workspace(const jc_context* context, int64_t rows, int64_t width, int64_t threads);
int32_t check_contrastive_loss_gradient(jc_context* context, const jc_contrastive_loss_gradient_args* a);

}  // namespace jc
