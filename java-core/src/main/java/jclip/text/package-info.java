/**
 * From a text to token ids: the text repair, cleaning and byte-pair encoding of OpenAI's CLIP, with vocabularies as
 * OpenAI, OpenCLIP and Hugging Face write them. Entry point: {@link jclip.text.Tokenizer}.
 */
@NullMarked
package jclip.text;

import org.jspecify.annotations.NullMarked;
