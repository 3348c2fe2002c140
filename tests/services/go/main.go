// Verify a Stockade log with the reference implementation of signed notes and transparency logs
// (golang.org/x/mod/sumdb), of which not a line is Stockade's.
//
//	main VERIFIER-KEY LOG-FOLDER [PROOFS-JSON CHECKPOINT]
//
// It opens the signed checkpoint with the key, reads every leaf hash through the tiles (which authenticates each tile
// against the checkpoint's root), hashes every entry and compares, recomputes the root from the entries alone, and
// checks inclusion proofs that it makes of the tiles. With the proofs of a release bundle it checks those too, against the
// checkpoint beside them. It prints one line of JSON, or an error and exits with 1.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type folder string

func (f folder) Height() int                     { return height }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f folder) read(t tlog.Tile) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), place(t)))
}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		read, err := f.read(tile)
		if err != nil {
			return nil, err
		}
		data[i] = read
	}
	return data, nil
}

// place is where C2SP tlog-tiles puts a tile: the paths of sumdb without the height, and "entries" for "data".
func place(t tlog.Tile) string {
	path := strings.Replace(t.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

func open(key string, signed []byte) (tlog.Tree, string, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, "", err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, "", err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, "", errors.New("the checkpoint has not three lines, or another origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, "", err
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, "", errors.New("the root is not the base64 of 32 bytes")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, lines[0], nil
}

// entries reads the records of the log: each after its length in two bytes, 256 to a bundle.
func entries(log folder, size int64) ([][]byte, error) {
	var found [][]byte
	for first := int64(0); first < size; first += 1 << height {
		width := size - first
		if width > 1<<height {
			width = 1 << height
		}
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: int(width)}
		data, err := log.read(tile)
		if err != nil {
			return nil, err
		}
		count := len(found)
		for len(data) >= 2 {
			length := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+length {
				break
			}
			found = append(found, data[2:2+length])
			data = data[2+length:]
		}
		if len(data) != 0 || len(found)-count != int(width) {
			return nil, fmt.Errorf("%s does not hold %d entries", place(tile), width)
		}
	}
	return found, nil
}

type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = s[index]
	}
	return found, nil
}

func check(tree tlog.Tree, log folder, records [][]byte) error {
	reader := tlog.TileHashReader(tree, log)
	indexes := make([]int64, len(records))
	for number := range records {
		indexes[number] = tlog.StoredHashIndex(0, int64(number))
	}
	leaves, err := reader.ReadHashes(indexes)
	if err != nil {
		return err
	}
	var all stored
	for number, record := range records {
		if leaves[number] != tlog.RecordHash(record) {
			return fmt.Errorf("entry %d does not hash to its leaf", number)
		}
		hashes, err := tlog.StoredHashes(int64(number), record, all)
		if err != nil {
			return err
		}
		all = append(all, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, all)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the entries do not hash to the checkpoint's root")
	}
	// Proofs made of the tiles, of a hundred entries at most: making one reads tiles anew.
	for number := 0; number < len(records); number += 1 + len(records)/100 {
		proof, err := tlog.ProveRecord(tree.N, int64(number), reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(number), leaves[number]); err != nil {
			return err
		}
	}
	return nil
}

func checkProofs(key, proofs, checkpoint string, records [][]byte) (int, error) {
	signed, err := os.ReadFile(checkpoint)
	if err != nil {
		return 0, err
	}
	tree, _, err := open(key, signed)
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(proofs)
	if err != nil {
		return 0, err
	}
	var document struct {
		Proofs map[string]struct {
			Hashes []tlog.Hash
			Leaf   int64
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return 0, err
	}
	for envelope, proof := range document.Proofs {
		if proof.Leaf < 0 || proof.Leaf >= int64(len(records)) {
			return 0, fmt.Errorf("there is no entry %d", proof.Leaf)
		}
		record := records[proof.Leaf]
		if !strings.Contains(string(record), `"sha256:`+envelope+`"`) {
			return 0, fmt.Errorf("entry %d is not of %s", proof.Leaf, envelope)
		}
		if err := tlog.CheckRecord(proof.Hashes, tree.N, tree.Hash, proof.Leaf, tlog.RecordHash(record)); err != nil {
			return 0, err
		}
	}
	return len(document.Proofs), nil
}

func run(arguments []string) error {
	if len(arguments) != 2 && len(arguments) != 4 {
		return errors.New("usage: main VERIFIER-KEY LOG-FOLDER [PROOFS-JSON CHECKPOINT]")
	}
	log := folder(arguments[1])
	signed, err := os.ReadFile(filepath.Join(string(log), "checkpoint"))
	if err != nil {
		return err
	}
	tree, origin, err := open(arguments[0], signed)
	if err != nil {
		return err
	}
	records, err := entries(log, tree.N)
	if err != nil {
		return err
	}
	if err := check(tree, log, records); err != nil {
		return err
	}
	proven := 0
	if len(arguments) == 4 {
		if proven, err = checkProofs(arguments[0], arguments[2], arguments[3], records); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"origin": origin, "size": tree.N, "root": tree.Hash.String(), "proofs": proven,
	})
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
