/**
 * Checkpoints: files of named tensors, and the architecture of the model they hold.
 *
 * <p>{@link jclip.checkpoint.Checkpoint} opens OpenAI, OpenCLIP and Hugging Face checkpoints under one set of canonical
 * tensor names; {@link jclip.checkpoint.Safetensors} and {@link jclip.checkpoint.TorchArchive} are the containers below
 * it. Everything read is treated as hostile: sizes are checked with exact arithmetic against the file's length before
 * anything is allocated, and nothing in a file is ever executed.
 */
@NullMarked
package jclip.checkpoint;

import org.jspecify.annotations.NullMarked;
